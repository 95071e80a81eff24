//! Names of webhooks.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::invalid::{Invalid, shown};
use crate::limits::WEBHOOK_NAME_LEN_MAX;
use crate::reader::is_token;
use crate::webhook_id;

/// The name that its owner gives a webhook: 1–64 `[A-Za-z0-9_.-]`, without the beginning of an id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookName(
    /// A well-formed name: only `FromStr` creates one.
    Arc<str>,
);

impl WebhookName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebhookName {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<WebhookName, Invalid> {
        // A command that takes a name or an id must know which one it has.
        if !is_token(name, WEBHOOK_NAME_LEN_MAX) || name.starts_with(webhook_id::PREFIX) {
            return Err(Invalid::new(
                Code::InvalidWebhook,
                format!("`{}` is not a valid webhook name", shown(name)),
                "use 1–64 letters, digits, `_`, `.` or `-`, and begin otherwise than `wh_`, like an id",
            ));
        }
        Ok(WebhookName(Arc::from(name)))
    }
}

impl fmt::Display for WebhookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for WebhookName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{WEBHOOK_NAME_LEN_MAX, WebhookName};

    #[test]
    fn a_name_is_a_short_token_and_no_id() {
        let longest = "x".repeat(WEBHOOK_NAME_LEN_MAX);
        for name in ["ci", "On-Call_2.eu", "wh", "localhost", &longest] {
            assert_eq!(name.parse::<WebhookName>().expect(name).as_str(), name);
        }
        let too_long = "x".repeat(WEBHOOK_NAME_LEN_MAX + 1);
        for name in ["", "a b", "a/b", "http://x", "é", "wh_", "wh_k3f2x2ab5cdefghi", &too_long] {
            assert!(name.parse::<WebhookName>().is_err(), "{name}");
        }
    }
}
