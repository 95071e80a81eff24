//! Registering a webhook, changing it, and forgetting it.

use std::collections::BTreeMap;

use fanfare_core::{EventType, Pattern, Position, Priority, WebhookId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::hidden::Hidden;
use crate::push::PriorityWord;
use crate::values;
use crate::words::Success;

/// A webhook to be registered. Registering an address again is a change to what it has.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Registration {
    /// Where to: `http://` or `https://`.
    pub webhook_url: String,
    /// What to sign with, `whsec_…`; a new one is made when there is none. Only for a new address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Hidden>,
    /// Begin after this event; from now on when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>)]
    pub after: Option<Position>,
    /// Begin in the past: `10m`, RFC 3339, or `earliest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What it wants.
    #[serde(flatten)]
    pub wishes: Wishes,
}

/// What is to change of a webhook. A member that is left out changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Where it is called from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub webhook_url: Option<String>,
    /// What it wants.
    #[serde(flatten)]
    pub wishes: Wishes,
}

/// What somebody wants of a webhook. A member that is left out changes nothing; `null` puts back the default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Wishes {
    /// Which channels; default all.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Vec<values::Pattern>>, max_items = 64)]
    pub patterns: Option<Option<Vec<Pattern>>>,
    /// Which types; default all.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Vec<values::EventType>>, max_items = 64)]
    pub types: Option<Option<Vec<EventType>>>,
    /// The least priority; default `min`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<PriorityWord>)]
    pub min_priority: Option<Option<Priority>>,
    /// Text that the message contains, ASCII case ignored; default none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub text: Option<Option<String>>,
    /// The form of the body; default `seed`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<PayloadWord>)]
    pub payload: Option<Option<PayloadWord>>,
    /// All headers to add; default none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub headers: Option<Option<BTreeMap<String, Hidden>>>,
    /// How the receiver is told who sends; default not at all.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Credentials>)]
    pub auth: Option<Option<Credentials>>,
    /// Deliveries on their way at a time; default 16.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 128)]
    pub concurrency: Option<Option<u32>>,
    /// Deliveries per second at most; default as many as can be.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 10000)]
    pub rate_per_second: Option<Option<u32>>,
    /// Whether each delivery waits until the one before it has arrived or was given up; default `false`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    pub ordered: Option<Option<bool>>,
    /// Sends events several at a time; default one by one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<BatchWish>)]
    pub batch: Option<Option<BatchWish>>,
    /// For people; at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// The pauses between attempts, such as `5s,5m`, or `none`; default `5s,5m,30m,2h,5h,10h,10h`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub retry: Option<Option<String>>,
    /// What deliveries are signed with; `v1` always is.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Vec<SignatureWord>>)]
    pub signatures: Option<Option<Vec<SignatureWord>>>,
}

/// The form of a webhook's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PayloadWord {
    /// CloudEvents 1.0.2, structured JSON.
    CloudEvents,
    /// The event as everywhere else.
    Event,
    /// `message` and `timestamp`, and more beside them.
    Seed,
}

/// What a delivery is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureWord {
    /// HMAC-SHA-256, which every delivery has.
    V1,
    /// ed25519.
    V1a,
    /// `X-Hub-Signature-256`.
    Hub,
}

/// What goes into `Authorization`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Credentials {
    /// A user name and a password (RFC 7617).
    Basic(UserAndPassword),
    /// A token (RFC 6750): 1–4,096 visible ASCII characters.
    Bearer(Hidden),
}

/// A user name and a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserAndPassword {
    /// 1–256 bytes without `:` and control characters.
    pub username: String,
    /// At most 256 bytes without control characters.
    pub password: Hidden,
}

/// How events are to be gathered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchWish {
    /// Most events; default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_events: Option<u32>,
    /// Longest that the first of them waits, at most `60s`; default `1s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Duration>)]
    pub max_wait: Option<String>,
}

/// Which webhook to forget.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unregistration {
    /// The address.
    pub webhook_url: String,
}

/// What became of a registration, or of its end.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Registered {
    /// `success`.
    pub status: Success,
    /// The address, as it was given.
    pub webhook_url: Box<str>,
    /// How many webhooks are registered.
    pub total_webhooks: usize,
    /// Its id; left out when an address was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::WebhookId>, nullable = false)]
    pub id: Option<WebhookId>,
    /// What its deliveries are signed with; shown once, when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub secret: Option<Hidden>,
}

/// Reads a member that is there, perhaps as `null`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Registration;

    #[test]
    fn what_is_left_out_is_not_written_and_null_is() {
        let all = json!({
            "webhook_url": "http://localhost:3000/hook", "secret": "whsec_x", "after": "k3f9x2ab-1", "since": "10m",
            "patterns": ["a.>"], "types": ["error"], "min_priority": "high", "text": "x", "payload": "cloudevents",
            "headers": { "X-A": "1" }, "auth": { "basic": { "username": "a", "password": "b" } }, "concurrency": 1,
            "rate_per_second": 2, "ordered": true, "batch": { "max_events": 3, "max_wait": "2s" },
            "description": "d", "retry": "none", "signatures": ["v1", "v1a", "hub"],
        });
        for body in [
            json!({ "webhook_url": "http://localhost:3000/hook" }),
            json!({ "webhook_url": "http://localhost:3000/hook", "auth": { "bearer": "x" }, "text": null }),
            all,
        ] {
            let read: Registration = serde_json::from_value(body.clone()).expect("a registration");
            assert_eq!(serde_json::to_value(&read).expect("JSON"), body);
        }
    }
}
