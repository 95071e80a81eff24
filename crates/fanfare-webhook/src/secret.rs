//! Keys that webhooks are signed with: a shared secret (`whsec_`), or an ed25519 pair (`whsk_` and `whpk_`).
//!
//! Standard Webhooks 1.0.0, "Signature scheme". Only `reveal` returns a key's text, so that the places where it leaves
//! can be searched for; `Debug` does not show it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;

/// The allowed length of a shared secret, in bytes before base64: as the standard requires.
pub const SECRET_LEN: std::ops::RangeInclusive<usize> = 24..=64;

const SECRET_PREFIX: &str = "whsec_";
const SIGNING_PREFIX: &str = "whsk_";
const VERIFYING_PREFIX: &str = "whpk_";
const ED25519_LEN: usize = 32;

/// A secret that sender and receiver share: `whsec_` and the base64 of 24 to 64 bytes.
#[derive(Clone)]
pub struct Secret {
    /// The text as given: GitHub-style signatures use the text itself as their key.
    text: Box<str>,
    keys: Arc<HmacKeys>,
}

struct HmacKeys {
    /// The key from the bytes behind the prefix, ready to sign.
    standard: hmac::Key,
    /// The key from the whole text, ready to sign.
    hub: hmac::Key,
}

impl Secret {
    /// Creates a secret from 32 random bytes, which must come from a cryptographic generator.
    pub fn from_random(bytes: [u8; 32]) -> Secret {
        Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)).into(), &bytes)
    }

    fn new(text: Box<str>, bytes: &[u8]) -> Secret {
        let standard = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let hub = hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes());
        Secret { text, keys: Arc::new(HmacKeys { standard, hub }) }
    }

    /// Returns the text, for the store and for the one response that shows it.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns the key of HMAC-SHA256 in the scheme `v1`.
    pub(crate) fn key(&self) -> &hmac::Key {
        &self.keys.standard
    }

    /// Returns the key of HMAC-SHA256 in `X-Hub-Signature-256`: the whole text.
    pub(crate) fn hub_key(&self) -> &hmac::Key {
        &self.keys.hub
    }
}

impl FromStr for Secret {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Secret, Invalid> {
        let bytes = text.strip_prefix(SECRET_PREFIX).and_then(decode);
        match bytes.filter(|bytes| SECRET_LEN.contains(&bytes.len())) {
            Some(bytes) => Ok(Secret::new(text.into(), &bytes)),
            None => Err(unreadable(
                "the secret is not of the form `whsec_…`",
                "write `whsec_` and the base64 of 24 to 64 bytes, or leave it out to get a new one",
            )),
        }
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.text == other.text
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(whsec_…)")
    }
}

/// The private half of an ed25519 pair: `whsk_` and the base64 of the seed and the public key, 64 bytes.
#[derive(Clone)]
pub struct SigningKey {
    text: Box<str>,
    pair: Arc<Ed25519KeyPair>,
}

impl SigningKey {
    /// Creates a pair from 32 random bytes, which must come from a cryptographic generator.
    pub fn from_seed(seed: [u8; 32]) -> SigningKey {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed");
        let mut bytes = seed.to_vec();
        bytes.extend_from_slice(pair.public_key().as_ref());
        let text = format!("{SIGNING_PREFIX}{}", STANDARD.encode(bytes)).into();
        SigningKey { text, pair: Arc::new(pair) }
    }

    /// Returns the text, for the store.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns the half that receivers verify with.
    pub fn verifying(&self) -> VerifyingKey {
        let mut bytes = [0; ED25519_LEN];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        VerifyingKey(bytes)
    }

    pub(crate) fn sign(&self, content: &[u8]) -> ring::signature::Signature {
        self.pair.sign(content)
    }
}

impl FromStr for SigningKey {
    type Err = Invalid;

    /// Parses a text that [`SigningKey::reveal`] returned; fails if the public half does not belong to the seed.
    fn from_str(text: &str) -> Result<SigningKey, Invalid> {
        let refuse = || {
            unreadable(
                "the signing key is not of the form `whsk_…`",
                "write `whsk_` and the base64 of an ed25519 seed with its public key, 64 bytes",
            )
        };
        let bytes = text.strip_prefix(SIGNING_PREFIX).and_then(decode).ok_or_else(refuse)?;
        let (seed, public) = bytes.split_at_checked(ED25519_LEN).ok_or_else(refuse)?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public).map_err(|_| refuse())?;
        Ok(SigningKey { text: text.into(), pair: Arc::new(pair) })
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &SigningKey) -> bool {
        self.text == other.text
    }
}

impl Eq for SigningKey {}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.verifying())
    }
}

/// The public half of an ed25519 pair: `whpk_` and the base64 of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyingKey([u8; ED25519_LEN]);

impl VerifyingKey {
    /// Returns the 32 bytes, for a JWK.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn verifies(&self, content: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(content, signature).is_ok()
    }
}

impl FromStr for VerifyingKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<VerifyingKey, Invalid> {
        let bytes = text.strip_prefix(VERIFYING_PREFIX).and_then(decode);
        bytes.and_then(|bytes| bytes.try_into().ok()).map(VerifyingKey).ok_or_else(|| {
            unreadable(
                "the public key is not of the form `whpk_…`",
                "write `whpk_` and the base64 of an ed25519 public key, 32 bytes",
            )
        })
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERIFYING_PREFIX}{}", STANDARD.encode(self.0))
    }
}

/// Decodes base64 that is not longer than any key.
fn decode(text: &str) -> Option<Vec<u8>> {
    const TEXT_LEN_MAX: usize = 128;
    (text.len() <= TEXT_LEN_MAX).then(|| STANDARD.decode(text).ok()).flatten()
}

/// Creates a refusal, which does not repeat the input: it may be a mistyped secret.
fn unreadable(what: &str, fix: &'static str) -> Invalid {
    Invalid::new(Code::InvalidWebhook, what, fix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Secret, SigningKey, VerifyingKey};

    #[test]
    fn keys_of_the_wrong_shape_are_refused_without_being_repeated() {
        let base64 = |len: usize| base64::Engine::encode(&super::STANDARD, vec![7; len]);
        for (bytes, fits) in [(0, false), (23, false), (24, true), (64, true), (65, false), (4096, false)] {
            assert_eq!(format!("whsec_{}", base64(bytes)).parse::<Secret>().is_ok(), fits, "{bytes}");
        }
        for text in
            ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!"]
        {
            let error = text.parse::<Secret>().expect_err("no secret");
            assert!(!error.to_string().contains("MfKQ"), "{error}");
        }
        assert!(format!("whpk_{}", base64(31)).parse::<VerifyingKey>().is_err());
        assert!(format!("whsk_{}", base64(32)).parse::<SigningKey>().is_err());
        assert!(
            format!("whsk_{}", base64(64)).parse::<SigningKey>().is_err(),
            "halves that do not belong together"
        );
    }

    proptest! {
        #[test]
        fn keys_read_back_and_never_show_themselves(bytes: [u8; 32]) {
            let secret = Secret::from_random(bytes);
            prop_assert_eq!(&secret.reveal().parse::<Secret>().expect("a secret"), &secret);
            let signing = SigningKey::from_seed(bytes);
            prop_assert_eq!(&signing.reveal().parse::<SigningKey>().expect("a key"), &signing);
            let verifying = signing.verifying();
            prop_assert_eq!(verifying.to_string().parse::<VerifyingKey>().expect("a key"), verifying);
            let shown = format!("{secret:?} {signing:?}");
            let hidden = base64::Engine::encode(&super::STANDARD, bytes);
            prop_assert!(!shown.contains(&hidden[..20]));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in "(whsec_|whsk_|whpk_)?.*") {
            let _ = (text.parse::<Secret>(), text.parse::<SigningKey>(), text.parse::<VerifyingKey>());
        }
    }
}
