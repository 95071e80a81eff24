//! Ids of webhooks.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::invalid::{Invalid, shown};

/// The prefix of every id.
pub(crate) const PREFIX: &str = "wh_";
/// The number of characters that follow: 80 bits, so that ids never collide, wherever they are created.
const RANDOM_LEN: usize = 16;
/// The alphabet of RFC 4648 base32 in lower case: no character has to be escaped anywhere.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The id of a webhook: `wh_` and 16 of `[a-z2-7]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookId(
    /// A well-formed id: only `from_random` and `FromStr` create one.
    Arc<str>,
);

impl WebhookId {
    /// Creates an id of 80 random bits.
    pub fn from_random(random: [u8; 10]) -> WebhookId {
        let bits = random.iter().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let letters =
            (0..RANDOM_LEN).rev().map(|nth| char::from(ALPHABET[(bits >> (5 * nth) & 31) as usize]));
        let id: String = PREFIX.chars().chain(letters).collect();
        WebhookId(id.into())
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebhookId {
    type Err = Invalid;

    fn from_str(id: &str) -> Result<WebhookId, Invalid> {
        let random = id.strip_prefix(PREFIX).filter(|random| random.len() == RANDOM_LEN);
        if !random.is_some_and(|random| random.bytes().all(|byte| ALPHABET.contains(&byte))) {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                format!("`{}` is not a webhook id", shown(id)),
                "use an id that `GET /api/webhooks?details=true` lists: `wh_` and 16 letters and digits",
            ));
        }
        Ok(WebhookId(Arc::from(id)))
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for WebhookId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::WebhookId;

    #[test]
    fn an_id_is_made_of_all_its_random_bits() {
        assert_eq!(WebhookId::from_random([0; 10]).as_str(), "wh_aaaaaaaaaaaaaaaa");
        assert_eq!(WebhookId::from_random([0xff; 10]).as_str(), "wh_7777777777777777");
        let mut one = [0; 10];
        one[0] = 0x80;
        assert_eq!(WebhookId::from_random(one).as_str(), "wh_qaaaaaaaaaaaaaaa");
        let id = WebhookId::from_random([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(id.as_str().parse(), Ok(id));
    }

    #[test]
    fn anything_else_is_refused() {
        for id in [
            "",
            "wh_",
            "wh_aaaaaaaaaaaaaaa",
            "wh_aaaaaaaaaaaaaaaaa",
            "wh_aaaaaaaaaaaaaaa1",
            "xx_aaaaaaaaaaaaaaaa",
        ] {
            assert!(id.parse::<WebhookId>().is_err(), "{id}");
        }
    }
}
