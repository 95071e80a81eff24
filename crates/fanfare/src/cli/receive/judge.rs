//! Verifies the signatures of a webhook request.

use fanfare_core::Timestamp;
use fanfare_webhook::inbound::{PlainSecret, verify_hub};
use fanfare_webhook::secret::{Secret, VerifyingKey};
use fanfare_webhook::signature::{HUB_SIGNATURE, SIGNATURE};
use fanfare_webhook::verify::{Headers, Key, Mismatch, verify};
use http::HeaderMap;

/// The keys to verify with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// For `v1` and `X-Hub-Signature-256`.
    pub(crate) secret: Option<Secret>,
    /// For `v1a`.
    pub(crate) public: Option<VerifyingKey>,
}

/// The result of verifying a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No key that can verify the request was given.
    NoKey,
    /// A signature is missing or does not match.
    Refused(Mismatch),
    /// Every signature matches.
    Verified,
}

/// Verifies a request that arrived at `now`.
pub(crate) fn judge(headers: &HeaderMap, body: &[u8], keys: &Keys, now: Timestamp) -> Verdict {
    let mut known: Vec<Key> = Vec::new();
    known.extend(keys.secret.clone().map(Key::Secret));
    known.extend(keys.public.map(Key::Public));
    if known.is_empty() {
        return Verdict::NoKey;
    }
    let is_hub = headers.contains_key(HUB_SIGNATURE);
    // A request with only GitHub's signature is verified by that one; with both kinds, both must match.
    let is_standard = headers.contains_key(SIGNATURE) || !is_hub;
    let pairs: Headers<'_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    if is_standard && let Err(mismatch) = verify(&pairs, body, &known, now) {
        return Verdict::Refused(mismatch);
    }
    let plain = keys.secret.as_ref().and_then(|secret| PlainSecret::new(secret.reveal()));
    match plain.filter(|_| is_hub) {
        Some(plain) => match verify_hub(&pairs, body, &[plain]) {
            Ok(()) => Verdict::Verified,
            Err(mismatch) => Verdict::Refused(mismatch),
        },
        None if is_standard => Verdict::Verified,
        None => Verdict::NoKey,
    }
}
