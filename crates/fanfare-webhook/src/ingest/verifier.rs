//! Checks the proof of a request with the secrets of its source.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::inbound::verify_stripe;
use crate::ingest::proof::{HmacHeader, Proof, is_same};
use crate::ingest::spellings::{self, SECRETS_MAX};
use crate::plain_secret::PlainSecret;
use crate::verify::{Headers, Key, Mismatch, verify};
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::timestamp::Timestamp;

/// Maximum length of the text of a secret, in bytes: tokens are the longest, and shorter than this.
const SECRET_LEN_MAX: usize = 2 * 1024;

/// A proof, and the secrets to check it with.
#[derive(Clone)]
pub struct Verifier {
    /// What a sender has to prove.
    pub proof: Proof,
    /// The secrets as they are, for tokens and passwords.
    texts: Vec<Box<str>>,
    /// The secrets as keys of signatures.
    plain: Vec<PlainSecret>,
    /// The secrets as keys of Standard Webhooks.
    standard: Vec<Key>,
}

impl Verifier {
    /// Creates one that accepts every request.
    pub fn open() -> Verifier {
        Verifier { proof: Proof::None, texts: Vec::new(), plain: Vec::new(), standard: Vec::new() }
    }

    /// Creates one from the texts of secrets. An error does not repeat them.
    pub fn new(proof: Proof, secrets: &[Box<str>]) -> Result<Verifier, Invalid> {
        if secrets.len() > SECRETS_MAX {
            return Err(too_many(secrets.len()));
        }
        if secrets.iter().any(|secret| secret.trim().is_empty() || secret.len() > SECRET_LEN_MAX) {
            let what = format!("a secret is empty or longer than {SECRET_LEN_MAX} bytes");
            return Err(Invalid::new(Code::InvalidSource, what, "copy it from the sender, or leave it out"));
        }
        let mut verifier = Verifier { proof, ..Verifier::open() };
        for secret in secrets {
            match verifier.proof {
                Proof::StandardWebhooks => verifier.standard.extend(spellings::standard(secret)?),
                Proof::Hmac(_) | Proof::Stripe => verifier.plain.extend(spellings::plain(secret)),
                Proof::Basic | Proof::Bearer | Proof::Token(_) => verifier.texts.push(secret.trim().into()),
                Proof::None => {}
            }
        }
        // A text can have several, and one without a prefix is two keys: itself, and what it decodes to.
        match verifier.count() {
            count if count > 2 * SECRETS_MAX => Err(too_many(count)),
            _ => Ok(verifier),
        }
    }

    /// Creates one for signatures that are keyed with plain secrets.
    pub fn signed(proof: Proof, plain: Vec<PlainSecret>) -> Verifier {
        Verifier { proof, plain, ..Verifier::open() }
    }

    /// Creates one for Standard Webhooks.
    pub fn standard(keys: Vec<Key>) -> Verifier {
        Verifier { proof: Proof::StandardWebhooks, standard: keys, ..Verifier::open() }
    }

    /// Returns whether a secret is needed, and there is none.
    pub fn lacks_secret(&self) -> bool {
        self.proof.needs_secret() && self.count() == 0
    }

    fn count(&self) -> usize {
        self.texts.len() + self.plain.len() + self.standard.len()
    }

    /// Checks a request that arrived at `now`.
    pub(super) fn check(&self, headers: &Headers<'_>, body: &[u8], now: Timestamp) -> Result<(), Invalid> {
        match &self.proof {
            Proof::None => Ok(()),
            Proof::Stripe => Ok(verify_stripe(headers, body, &self.plain, now).map(drop)?),
            Proof::StandardWebhooks => Ok(verify(headers, body, &self.standard, now).map(drop)?),
            Proof::Hmac(header) => self.check_hmac(header, headers, body),
            Proof::Token(name) => self.check_token(headers.text(name), name),
            Proof::Bearer => {
                let value = headers.text("authorization");
                let token = value.and_then(|value| scheme(value, "bearer"));
                self.check_token(token, "authorization")
            }
            Proof::Basic => {
                let value = headers.text("authorization");
                let encoded = value.and_then(|value| scheme(value, "basic"));
                let pair = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
                let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
                let Some(pair) = pair else { return Err(missing("authorization", "Basic credentials")) };
                let password = pair.split_once(':').map_or("", |(_, password)| password);
                let fits = |secret: &str| is_same(&pair, secret) || is_same(password, secret);
                if self.texts.iter().any(|secret| fits(secret)) { Ok(()) } else { Err(wrong("credentials")) }
            }
        }
    }

    fn check_hmac(&self, header: &HmacHeader, headers: &Headers<'_>, body: &[u8]) -> Result<(), Invalid> {
        let Some(value) = headers.text(&header.name) else {
            return Err(missing(&header.name, "the signature"));
        };
        let tag = header.tag(value).ok_or_else(|| {
            let what = format!("the header `{}` cannot be read", header.name);
            Invalid::new(Code::InvalidSignature, what, format!("send it as {}", Proof::Hmac(header.clone())))
        })?;
        let fits = |secret: &PlainSecret| hmac::verify(secret.key(), body, &tag).is_ok();
        if self.plain.iter().any(fits) { Ok(()) } else { Err(Mismatch::NoMatch.into()) }
    }

    fn check_token(&self, token: Option<&str>, header: &str) -> Result<(), Invalid> {
        let Some(token) = token else { return Err(missing(header, "the token")) };
        if self.texts.iter().any(|secret| is_same(token, secret)) { Ok(()) } else { Err(wrong("token")) }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({})", self.proof)
    }
}

/// Returns what follows the scheme of an `Authorization` header, whose case does not count.
fn scheme<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let (scheme, rest) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

fn too_many(count: usize) -> Invalid {
    let fix = format!("keep at most {SECRETS_MAX}");
    Invalid::new(Code::InvalidSource, format!("there are {count} secrets"), fix)
}

fn missing(header: &str, what: &str) -> Invalid {
    let header = header.to_owned();
    Invalid::new(
        Code::InvalidSignature,
        format!("the header `{header}` is missing, appears twice, or has another form"),
        format!("send {what} there once, as this source expects"),
    )
    .at(format!("{header}:"))
}

fn wrong(what: &str) -> Invalid {
    let fix = "send the secret that this source was given";
    Invalid::new(Code::InvalidSignature, format!("the {what} does not match"), fix)
}

#[cfg(test)]
mod tests {
    use super::{SECRET_LEN_MAX, Verifier};
    use crate::ingest::proof::Proof;

    #[test]
    fn secrets_are_bounded_in_number_and_length() {
        let of = |proof: &str, secrets: Vec<String>| {
            let secrets: Vec<Box<str>> = secrets.into_iter().map(Into::into).collect();
            Verifier::new(proof.parse::<Proof>().expect("a proof"), &secrets).map(drop)
        };
        for proof in ["bearer", "basic", "token-header:x", "hmac-sha256:x", "stripe", "standard-webhooks"] {
            let text = |number: usize| format!("whsec_{}", format!("{number:02}").repeat(16));
            assert_eq!(of(proof, (0..16).map(text).collect()), Ok(()), "{proof}");
            for wrong in [
                (0..17).map(text).collect(),
                vec![String::new()],
                vec![text(0), " ".to_owned()],
                vec!["x".repeat(SECRET_LEN_MAX + 1)],
            ] {
                assert!(of(proof, wrong).is_err(), "{proof}");
            }
        }
        let listed = vec!["whsec_AAECAwQFBgcICQoLDA0ODw"; 33].join(",");
        assert!(of("standard-webhooks", vec![listed]).is_err());
    }
}
