//! How a sender proves who it is: a signature over the body, a token, or a scheme of its own.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::inbound::from_hex;
use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};

/// Maximum length of the name of a header, and of a prefix, in bytes: those of all known senders are shorter.
const NAME_LEN_MAX: usize = 64;

/// The proof that a source asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// `Authorization: Basic`, with the secret as `user:password`, or as the password of any user.
    Basic,
    /// `Authorization: Bearer`, with the secret as the token.
    Bearer,
    /// HMAC-SHA256 over the body, keyed with the text of the secret.
    Hmac(HmacHeader),
    /// None: anyone who can reach the gateway can send.
    None,
    /// The signature of Standard Webhooks.
    StandardWebhooks,
    /// Stripe's signature.
    Stripe,
    /// A header whose value is the secret.
    Token(Box<str>),
}

/// The header with a signature over the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmacHeader {
    /// Its name, in lowercase.
    pub name: Box<str>,
    /// What comes before the signature, such as `sha256=`.
    pub prefix: Box<str>,
    /// Whether the signature is in base64; otherwise it is hexadecimal.
    pub is_base64: bool,
}

impl HmacHeader {
    /// Returns the signature in the value of the header.
    pub(super) fn tag(&self, value: &str) -> Option<Vec<u8>> {
        let encoded = value.strip_prefix(&*self.prefix)?;
        if self.is_base64 { STANDARD.decode(encoded).ok() } else { from_hex(encoded).map(Vec::from) }
    }
}

impl Proof {
    /// Returns whether there must be a secret to check with.
    pub fn needs_secret(&self) -> bool {
        *self != Proof::None
    }
}

const FIX: &str = "write `hmac-sha256:HEADER`, `hmac-sha256:HEADER:PREFIX:hex` (or `base64`), `bearer`, `basic`, \
                   `token-header:NAME`, `stripe`, `standard-webhooks` or `none`";

impl FromStr for Proof {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Proof, Invalid> {
        let refuse =
            || Invalid::new(Code::InvalidSource, format!("`{}` is not a way to verify", shown(text)), FIX);
        let mut parts = text.split(':');
        let proof = match (parts.next().unwrap_or_default(), parts.next()) {
            ("basic", None) => Proof::Basic,
            ("bearer", None) => Proof::Bearer,
            ("none", None) => Proof::None,
            ("standard-webhooks", None) => Proof::StandardWebhooks,
            ("stripe", None) => Proof::Stripe,
            ("token-header", Some(name)) => Proof::Token(header(name).ok_or_else(refuse)?),
            ("hmac-sha256", Some(name)) => {
                let prefix = parts.next().unwrap_or_default();
                let is_base64 = match parts.next().unwrap_or("hex") {
                    "hex" => false,
                    "base64" => true,
                    _ => return Err(refuse()),
                };
                let is_short =
                    prefix.len() <= NAME_LEN_MAX && prefix.bytes().all(|byte| byte.is_ascii_graphic());
                let name = header(name).filter(|_| is_short).ok_or_else(refuse)?;
                Proof::Hmac(HmacHeader { name, prefix: prefix.into(), is_base64 })
            }
            _ => return Err(refuse()),
        };
        if parts.next().is_some() { Err(refuse()) } else { Ok(proof) }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proof::Basic => f.write_str("basic"),
            Proof::Bearer => f.write_str("bearer"),
            Proof::Hmac(HmacHeader { name, prefix, is_base64 }) => match (&**prefix, is_base64) {
                ("", false) => write!(f, "hmac-sha256:{name}"),
                (prefix, false) => write!(f, "hmac-sha256:{name}:{prefix}:hex"),
                (prefix, true) => write!(f, "hmac-sha256:{name}:{prefix}:base64"),
            },
            Proof::None => f.write_str("none"),
            Proof::StandardWebhooks => f.write_str("standard-webhooks"),
            Proof::Stripe => f.write_str("stripe"),
            Proof::Token(name) => write!(f, "token-header:{name}"),
        }
    }
}

impl Serialize for Proof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Proof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Proof, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error: Invalid| D::Error::custom(error.what))
    }
}

fn header(name: &str) -> Option<Box<str>> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_one = (1..=NAME_LEN_MAX).contains(&name.len()) && name.bytes().all(is_name);
    is_one.then(|| name.to_ascii_lowercase().into())
}

/// Returns whether two texts are the same, in a time that does not depend on where they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"compared");
    hmac::verify(&key, one.as_bytes(), hmac::sign(&key, other.as_bytes()).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Proof;

    #[test]
    fn a_proof_reads_back_as_it_was_written() {
        for text in [
            "basic",
            "bearer",
            "none",
            "stripe",
            "standard-webhooks",
            "token-header:x-gitlab-token",
            "hmac-sha256:linear-signature",
            "hmac-sha256:x-hub-signature-256:sha256=:hex",
            "hmac-sha256:x-shopify-hmac-sha256::base64",
        ] {
            assert_eq!(text.parse::<Proof>().map(|proof| proof.to_string()), Ok(text.to_owned()));
        }
        for text in [
            "",
            "hmac",
            "hmac-sha256",
            "hmac-sha256:",
            "hmac-sha256:a b",
            "hmac-sha256:x:y:z",
            "bearer:x",
            "token-header:",
            "none:",
        ] {
            assert_eq!(text.parse::<Proof>().expect_err(text).code.as_str(), "invalid_source");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(hmac-sha256|token-header|:|.){0,12}") {
            if let Ok(proof) = text.parse::<Proof>() {
                prop_assert_eq!(proof.to_string().parse::<Proof>(), Ok(proof));
            }
        }
    }
}
