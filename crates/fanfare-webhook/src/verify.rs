//! Verifying Standard Webhooks, for `fanfare verify` and for ingest.
//!
//! Signatures are compared in constant time; errors describe headers and times only, never a signature.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::plain_secret::PlainSecret;
use crate::secret::{Secret, VerifyingKey};
use crate::signature::signed_content;
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::timestamp::Timestamp;

/// Maximum distance of a timestamp from now, either way: the same as in the standard's own libraries.
pub const TOLERANCE: Duration = Duration::from_secs(300);
/// Maximum signatures of one header that are checked: an ed25519 verification takes tens of microseconds.
pub const SIGNATURES_MAX: usize = 16;
/// Maximum length of a header that is checked, in bytes.
pub const HEADER_LEN_MAX: usize = 8 * 1024;

/// A key that verifies another sender's deliveries.
#[derive(Debug, Clone)]
pub enum Key {
    /// A secret, for signatures of scheme `v1`.
    Secret(Secret),
    /// A secret that its sender does not write as the standard asks, for signatures of scheme `v1`.
    Foreign(PlainSecret),
    /// A public key, for signatures of scheme `v1a`.
    Public(VerifyingKey),
}

/// The reason why a delivery could not be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// None of the signatures matches.
    #[error("no signature matches the body and the secret")]
    NoMatch,
    /// There are signatures, but none uses a scheme for which there is a key.
    #[error("none of the signatures uses a scheme that the given key supports")]
    NoKnownScheme,
    /// A header is missing or empty.
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    /// A header appears twice, so that two programs could read different values.
    #[error("the header `{0}` appears more than once")]
    Repeated(&'static str),
    /// A header cannot be read.
    #[error("the header `{0}` cannot be read")]
    Unreadable(&'static str),
    /// The signature is too old: someone may have repeated the request.
    #[error("the signature is {seconds} s old; at most 300 s is allowed")]
    TooOld {
        /// The age of the signature.
        seconds: u64,
    },
    /// The signature is dated in the future.
    #[error("the signature is dated {seconds} s in the future; at most 300 s is allowed")]
    TooNew {
        /// The distance from now.
        seconds: u64,
    },
}

impl From<Mismatch> for Invalid {
    fn from(mismatch: Mismatch) -> Invalid {
        let fix = match mismatch {
            Mismatch::NoMatch => "sign the exact bytes of the body, with the secret of this webhook",
            Mismatch::NoKnownScheme => "sign with `v1` for a `whsec_` secret, `v1a` for a `whpk_` key",
            Mismatch::Missing(_) | Mismatch::Repeated(_) | Mismatch::Unreadable(_) => {
                "send each signature header exactly once, as the sender's documentation describes"
            }
            Mismatch::TooOld { .. } | Mismatch::TooNew { .. } => {
                "compute a new signature for each attempt, and synchronize both clocks"
            }
        };
        Invalid::new(Code::InvalidSignature, mismatch.to_string(), fix)
    }
}

/// The headers of a request, by case-insensitive name.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a> {
    /// The values by name in lowercase; `None` for a name that appears twice.
    values: BTreeMap<String, Option<&'a [u8]>>,
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers<'a> {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a [u8])>>(headers: T) -> Headers<'a> {
        let mut values = BTreeMap::new();
        for (name, value) in headers {
            values.entry(name.to_ascii_lowercase()).and_modify(|seen| *seen = None).or_insert(Some(value));
        }
        Headers { values }
    }
}

impl<'a> Headers<'a> {
    /// Returns the headers that appear once, by name in lowercase.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a [u8])> {
        self.values.iter().filter_map(|(name, value)| Some((name.as_str(), (*value)?)))
    }

    /// Returns a header that appears once, as text that is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        let value = (*self.values.get(name)?)?;
        let text = std::str::from_utf8(value).ok()?.trim();
        (!text.is_empty() && text.len() <= HEADER_LEN_MAX).then_some(text)
    }

    /// Returns a header that must appear exactly once, as text that is not empty.
    pub(crate) fn once(&self, name: &'static str) -> Result<&'a str, Mismatch> {
        let value = self.values.get(name).ok_or(Mismatch::Missing(name))?;
        let value = value.ok_or(Mismatch::Repeated(name))?;
        if value.len() > HEADER_LEN_MAX {
            return Err(Mismatch::Unreadable(name));
        }
        let text = std::str::from_utf8(value).map_err(|_| Mismatch::Unreadable(name))?.trim();
        if text.is_empty() { Err(Mismatch::Missing(name)) } else { Ok(text) }
    }
}

/// A delivery that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The id, which is the same for every attempt at this delivery.
    pub id: &'a str,
    /// The time at which this attempt was signed.
    pub signed: Timestamp,
}

/// Verifies a delivery of Standard Webhooks, received at `now`; senders that use Svix can use its older header names.
pub fn verify<'a>(
    headers: &Headers<'a>,
    body: &[u8],
    keys: &[Key],
    now: Timestamp,
) -> Result<Verified<'a>, Mismatch> {
    let svix = !headers.values.contains_key("webhook-id") && headers.values.contains_key("svix-id");
    let [id, timestamp, signature] = if svix {
        ["svix-id", "svix-timestamp", "svix-signature"]
    } else {
        ["webhook-id", "webhook-timestamp", "webhook-signature"]
    };
    let signatures = headers.once(signature)?;
    let (id_name, id) = (id, headers.once(id)?);
    // With a dot in it, id and time could be split in two ways, and a body be accepted that nobody signed.
    if id.contains('.') {
        return Err(Mismatch::Unreadable(id_name));
    }
    let timestamp = (timestamp, headers.once(timestamp)?);
    let signed = signed_at(timestamp.1).ok_or(Mismatch::Unreadable(timestamp.0))?;
    within_tolerance(signed, now)?;
    let content = signed_content(id, timestamp.1, body);
    let mut known = false;
    for one in signatures.split(' ').filter(|one| !one.is_empty()).take(SIGNATURES_MAX) {
        let Some((scheme, encoded)) = one.split_once(',') else { continue };
        for key in keys {
            let fits = match (key, scheme) {
                (Key::Secret(secret), "v1") => {
                    known = true;
                    STANDARD
                        .decode(encoded)
                        .is_ok_and(|tag| hmac::verify(secret.key(), &content, &tag).is_ok())
                }
                (Key::Foreign(secret), "v1") => {
                    known = true;
                    STANDARD
                        .decode(encoded)
                        .is_ok_and(|tag| hmac::verify(secret.key(), &content, &tag).is_ok())
                }
                (Key::Public(key), "v1a") => {
                    known = true;
                    STANDARD.decode(encoded).is_ok_and(|bytes| key.verifies(&content, &bytes))
                }
                (Key::Secret(_) | Key::Foreign(_) | Key::Public(_), _) => false,
            };
            if fits {
                return Ok(Verified { id, signed });
            }
        }
    }
    Err(if known { Mismatch::NoMatch } else { Mismatch::NoKnownScheme })
}

/// Parses seconds since 1970: digits only, so that each moment has exactly one signed text.
pub(crate) fn signed_at(text: &str) -> Option<Timestamp> {
    const DIGITS_MAX: usize = 11;
    let plain = (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i64 = plain.then(|| text.parse().ok()).flatten()?;
    Some(Timestamp::from_micros(seconds * 1_000_000))
}

/// Compares in whole seconds, as in the header.
pub(crate) fn within_tolerance(signed: Timestamp, now: Timestamp) -> Result<(), Mismatch> {
    let second = |timestamp: Timestamp| timestamp.as_micros().div_euclid(1_000_000);
    let age = second(now) - second(signed);
    let seconds = age.unsigned_abs();
    match (seconds > TOLERANCE.as_secs(), age > 0) {
        (false, _) => Ok(()),
        (true, true) => Err(Mismatch::TooOld { seconds }),
        (true, false) => Err(Mismatch::TooNew { seconds }),
    }
}
