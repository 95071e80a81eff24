//! Secrets whose bytes are the key of HMAC-SHA256 as they are, as with GitHub and Stripe.

use std::fmt;

use ring::hmac;

/// A secret of another sender, ready to verify with.
#[derive(Clone)]
pub struct PlainSecret(hmac::Key);

impl PlainSecret {
    /// Creates a secret from `text`; `None` if it is empty, because everyone knows that key.
    pub fn new(text: &str) -> Option<PlainSecret> {
        PlainSecret::of_bytes(text.as_bytes())
    }

    /// Creates a secret from its bytes; `None` if there are none.
    pub fn of_bytes(bytes: &[u8]) -> Option<PlainSecret> {
        (!bytes.is_empty()).then(|| PlainSecret(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// Returns the key of HMAC-SHA256.
    pub(crate) fn key(&self) -> &hmac::Key {
        &self.0
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::PlainSecret;

    #[test]
    fn an_empty_secret_is_no_secret() {
        assert!(PlainSecret::new("").is_none());
    }
}
