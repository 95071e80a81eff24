//! Keys that webhooks are signed with: a shared secret (`whsec_`), or an ed25519 pair (`whsk_` and `whpk_`).
//!
//! Standard Webhooks 1.0.0, "Signature scheme"; secrets as receivers have them, see [`Secret`]. Only `reveal` returns a key's text, so that the places where it leaves
//! can be searched for; `Debug` does not show it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine, alphabet};
use ring::hmac;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;

/// The allowed length of a shared secret, in bytes before base64: the standard requires 24 to 64, and receivers in use
/// have 16.
pub const SECRET_LEN: std::ops::RangeInclusive<usize> = 16..=64;
/// Maximum length of a secret's text, in bytes.
pub const SECRET_TEXT_LEN_MAX: usize = 256;

/// What some services write before the secret that they show: the versions of the signatures that it makes.
const VERSION_PREFIX: &str = "v1,";
const SECRET_PREFIX: &str = "whsec_";
const SIGNING_PREFIX: &str = "whsk_";
const VERIFYING_PREFIX: &str = "whpk_";
const ED25519_LEN: usize = 32;

/// A secret that sender and receiver share.
///
/// The standard writes `whsec_` and the base64 of the key. Receivers also have the base64 without the prefix, with `v1,`
/// before it, without padding; or any other text, whose bytes are the key. For `X-Hub-Signature-256`, the key is the whole
/// text, whatever its form.
#[derive(Clone)]
pub struct Secret {
    /// The text as given: GitHub-style signatures use the text itself as their key.
    text: Box<str>,
    /// Whether it is strong enough to sign with `v1`, and what it means there is certain.
    is_standard: bool,
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
        Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)).into(), &bytes, true)
    }

    /// Parses a secret for a receiver that may verify `X-Hub-Signature-256` alone: any printable text of at most
    /// [`SECRET_TEXT_LEN_MAX`] bytes.
    pub fn any(text: &str) -> Result<Secret, Invalid> {
        let is_printable = !text.is_empty() && text.chars().all(|c| !c.is_control()) && text.trim() == text;
        if !is_printable || text.len() > SECRET_TEXT_LEN_MAX {
            return Err(unreadable(
                "the secret cannot be used",
                "use 1 to 256 bytes on one line without spaces at the ends, or leave it out to get a new one",
            ));
        }
        let prefixed = text.strip_prefix(VERSION_PREFIX).unwrap_or(text).strip_prefix(SECRET_PREFIX);
        // Without the prefix, only what every library of the standard decodes: text that merely looks so stays text.
        let decoded = match prefixed {
            Some(rest) => decode_loosely(rest),
            None => decode(text),
        };
        let decoded = decoded.filter(|bytes| SECRET_LEN.contains(&bytes.len()));
        let is_standard = decoded.is_some() || prefixed.is_none() && text.len() >= *SECRET_LEN.start();
        let bytes = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
        Ok(Secret::new(text.into(), &bytes, is_standard))
    }

    /// Returns an error unless the secret can sign with `v1`.
    pub fn check_standard(&self) -> Result<(), Invalid> {
        match self.is_standard {
            true => Ok(()),
            false => Err(unreadable(
                "the secret is neither `whsec_` and the base64 of 16 to 64 bytes, nor a text of 16 to 256 bytes",
                "correct it, or leave it out to get a new one; with the signature `hub`, any text is allowed",
            )),
        }
    }

    fn new(text: Box<str>, bytes: &[u8], is_standard: bool) -> Secret {
        let standard = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let hub = hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes());
        Secret { text, is_standard, keys: Arc::new(HmacKeys { standard, hub }) }
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

    /// Parses a secret that can sign with `v1`.
    fn from_str(text: &str) -> Result<Secret, Invalid> {
        let secret = Secret::any(text)?;
        secret.check_standard()?;
        Ok(secret)
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
        f.write_str("Secret(…)")
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

/// Maximum length of a key in base64.
const TEXT_LEN_MAX: usize = 128;

/// Decodes base64 that is not longer than any key.
fn decode(text: &str) -> Option<Vec<u8>> {
    (text.len() <= TEXT_LEN_MAX).then(|| STANDARD.decode(text).ok()).flatten()
}

/// Decodes base64 of either alphabet, padded or not.
fn decode_loosely(text: &str) -> Option<Vec<u8>> {
    const LOOSE: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        // Common receivers pass over the bits that make no byte.
        .with_decode_allow_trailing_bits(true);
    let [standard, url] =
        [alphabet::STANDARD, alphabet::URL_SAFE].map(|alphabet| GeneralPurpose::new(&alphabet, LOOSE));
    if text.len() > TEXT_LEN_MAX {
        return None;
    }
    standard.decode(text).or_else(|_| url.decode(text)).ok()
}

/// Creates a refusal, which does not repeat the input: it may be a mistyped secret.
fn unreadable(what: &str, fix: &'static str) -> Invalid {
    Invalid::new(Code::InvalidWebhook, what, fix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Secret, SigningKey, VerifyingKey, hmac};

    #[test]
    fn keys_of_the_wrong_shape_are_refused_without_being_repeated() {
        let base64 = |len: usize| base64::Engine::encode(&super::STANDARD, vec![7; len]);
        for (bytes, fits) in [(0, false), (15, false), (16, true), (64, true), (65, false), (4096, false)] {
            assert_eq!(format!("whsec_{}", base64(bytes)).parse::<Secret>().is_ok(), fits, "{bytes}");
        }
        for text in [
            "",
            "whsec_",
            "MfKQ9r8GKYq",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
            " MfKQ9r8GKYqrTwjUPD8ILPZ",
        ] {
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

    /// One key in the forms in which receivers have it, and texts that are keys themselves.
    #[test]
    fn a_secret_is_read_as_its_receiver_reads_it() {
        const KEY: [u8; 16] = [0xfb, 0xef, 0xbe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
        let standard =
            |text: &str| hmac::sign(text.parse::<Secret>().expect(text).key(), b"x").as_ref().to_vec();
        let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &KEY), b"x").as_ref().to_vec();
        for text in [
            "whsec_++++AQIDBAUGBwgJCgsMDQ==",
            "whsec_++++AQIDBAUGBwgJCgsMDQ",
            "whsec_----AQIDBAUGBwgJCgsMDQ",
            "v1,whsec_++++AQIDBAUGBwgJCgsMDQ==",
            "++++AQIDBAUGBwgJCgsMDQ==",
        ] {
            assert_eq!(standard(text), expected, "{text}");
        }
        for text in [
            "polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgb",
            "my secret text of a few words",
            "xxxxxxxxxxxxxxxxx",
        ] {
            let key = hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes());
            assert_eq!(standard(text), hmac::sign(&key, b"x").as_ref(), "{text}");
        }
        for text in ["hunter2", "whsec_not base64 at all", "é"] {
            assert!(text.parse::<Secret>().is_err(), "{text}");
            let key = hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes());
            let any = Secret::any(text).expect(text);
            assert_eq!(hmac::sign(any.hub_key(), b"x").as_ref(), hmac::sign(&key, b"x").as_ref(), "{text}");
        }
        for text in ["", " x", "x\n", "a\tb", &"x".repeat(257)] {
            assert!(Secret::any(text).is_err(), "{text:?}");
        }
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
