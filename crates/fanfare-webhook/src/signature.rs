//! Signing deliveries: Standard Webhooks 1.0.0, and GitHub's `X-Hub-Signature-256`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::message_id::MessageId;
use crate::rotation::Rotation;
use crate::secret::{Secret, SigningKey};
use fanfare_core::timestamp::Timestamp;

/// The header with the id of the message.
pub const ID: &str = "webhook-id";
/// The header with the seconds since 1970 at which an attempt was signed.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with one signature for each valid key, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";
/// The header of GitHub's signatures.
pub const HUB_SIGNATURE: &str = "x-hub-signature-256";

/// The keys that sign a webhook's deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeys {
    /// The keys of scheme `v1`, HMAC-SHA256.
    pub secrets: Rotation<Secret>,
    /// The keys of scheme `v1a`, ed25519, which signs beside `v1`.
    pub ed25519: Option<Rotation<SigningKey>>,
    /// Whether to also send `X-Hub-Signature-256`, which has room for one signature: that of the current secret.
    pub hub: bool,
}

/// The signature headers of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// The value of `webhook-id`.
    pub id: Box<str>,
    /// The value of `webhook-timestamp`.
    pub timestamp: String,
    /// The value of `webhook-signature`.
    pub signature: String,
    /// The value of `X-Hub-Signature-256`.
    pub hub_signature: Option<String>,
}

impl SignatureHeaders {
    /// Returns an iterator over names, in lowercase, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let standard = [(ID, &*self.id), (TIMESTAMP, &*self.timestamp), (SIGNATURE, &*self.signature)];
        standard.into_iter().chain(self.hub_signature.as_deref().map(|value| (HUB_SIGNATURE, value)))
    }
}

impl SigningKeys {
    /// Signs the exact bytes of one attempt, made at `now`, with every key that is valid then.
    pub fn sign(&self, id: &MessageId, now: Timestamp, body: &[u8]) -> SignatureHeaders {
        let timestamp = now.as_micros().div_euclid(1_000_000).to_string();
        let mut signature = String::with_capacity(V1_LEN);
        for secret in self.secrets.valid(now) {
            push(&mut signature, "v1", hmac_of(secret, id.as_str(), &timestamp, body).as_ref());
        }
        if let Some(keys) = &self.ed25519 {
            let content = signed_content(id.as_str(), &timestamp, body);
            for key in keys.valid(now) {
                push(&mut signature, "v1a", key.sign(&content).as_ref());
            }
        }
        let hub_signature = self.hub.then(|| hub_signature(self.secrets.current(), body));
        SignatureHeaders { id: id.as_str().into(), timestamp, signature, hub_signature }
    }
}

/// Returns the value of `X-Hub-Signature-256`: the key is the whole text of the secret.
pub fn hub_signature(secret: &Secret, body: &[u8]) -> String {
    let mut value = "sha256=".to_owned();
    for byte in hmac::sign(secret.hub_key(), body).as_ref() {
        value.push(char::from(HEX[usize::from(byte >> 4)]));
        value.push(char::from(HEX[usize::from(byte & 15)]));
    }
    value
}

/// Computes the HMAC of `v1` over `id.timestamp.body`, without copying the body.
fn hmac_of(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(secret.key());
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
    context.sign()
}

/// Joins `id.timestamp.body`: ed25519 needs its content in one piece.
pub(crate) fn signed_content(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), timestamp.as_bytes(), body].join(&b'.')
}

fn push(signature: &mut String, scheme: &str, bytes: &[u8]) {
    if !signature.is_empty() {
        signature.push(' ');
    }
    signature.push_str(scheme);
    signature.push(',');
    STANDARD.encode_string(bytes, signature);
}

/// The length of a `v1` signature: its name, a comma and the base64 of 32 bytes. Most webhooks have one.
const V1_LEN: usize = 2 + 1 + 44;

const HEX: &[u8; 16] = b"0123456789abcdef";
