//! Values that are text in JSON: read through the same parsers that the doors use, so that malformed values cannot get
//! in by another way.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::channel::Channel;
use crate::event::{Audience, EventType, Key};
use crate::pattern::Pattern;
use crate::position::{Epoch, Position};
use crate::priority::Priority;
use crate::reader::ReaderName;
use crate::source_name::SourceName;
use crate::timestamp::Timestamp;
use crate::webhook_id::WebhookId;
use crate::webhook_name::WebhookName;
use crate::wire::payload::Payload;

macro_rules! read_from_text {
    ($($value:ty),+ $(,)?) => {$(
        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$value, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )+};
}

read_from_text!(
    Audience,
    Channel,
    Epoch,
    EventType,
    Key,
    Pattern,
    Payload,
    Position,
    Priority,
    ReaderName,
    SourceName,
    Timestamp,
    WebhookId,
    WebhookName,
);

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use crate::{
        Channel, Epoch, EventType, Pattern, Position, Priority, ReaderName, Timestamp, WebhookId, WebhookName,
    };

    fn is_read_as_it_was_written<T: Serialize + DeserializeOwned>(text: &str) {
        let value: T = serde_json::from_value(json!(text)).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(serde_json::to_value(value).expect("text"), json!(text));
    }

    #[test]
    fn values_are_read_as_they_were_written() {
        is_read_as_it_was_written::<Channel>("builds.web");
        is_read_as_it_was_written::<Epoch>("k3f9x2ab");
        is_read_as_it_was_written::<EventType>("build.failed");
        is_read_as_it_was_written::<EventType>("error");
        is_read_as_it_was_written::<Pattern>("builds.>");
        is_read_as_it_was_written::<Position>("k3f9x2ab-0");
        is_read_as_it_was_written::<Priority>("max");
        is_read_as_it_was_written::<ReaderName>("laptop");
        is_read_as_it_was_written::<Timestamp>("2026-11-21T08:00:00.123456+00:00");
        is_read_as_it_was_written::<WebhookId>("wh_aaaaaaaaaaaaaaaa");
        is_read_as_it_was_written::<WebhookName>("on-call");
    }

    #[test]
    fn what_a_door_refuses_is_refused_here_with_its_words() {
        let error = serde_json::from_str::<Channel>("\"a..b\"").expect_err("an empty segment");
        let invalid = "a..b".parse::<Channel>().expect_err("an empty segment");
        assert!(error.to_string().starts_with(&invalid.what), "{error}");
        assert!(serde_json::from_str::<Position>("7").is_err());
    }
}
