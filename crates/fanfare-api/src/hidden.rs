//! Text that must not end up in a log.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

/// A secret, a password or a token: unchanged on the wire, hidden in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl PartialSchema for Hidden {
    fn schema() -> RefOr<Schema> {
        String::schema()
    }
}

impl ToSchema for Hidden {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::Hidden;

    #[test]
    fn debug_shows_nothing_and_the_wire_all() {
        let hidden = Hidden("whsec_x".to_owned());
        assert_eq!(format!("{hidden:?}"), "(hidden)");
        assert_eq!(serde_json::to_string(&hidden).expect("text"), "\"whsec_x\"");
    }
}
