//! Registering, changing and deleting a webhook.

use std::collections::BTreeMap;

use fanfare_core::duration::Literal;
use fanfare_core::{EventType, Pattern, Position, Priority, WebhookId, WebhookName};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::hidden::Hidden;
use crate::push::PriorityWord;
use crate::values;
use crate::webhooks::credentials::Credentials;
use crate::words::Success;

/// A webhook to create or to register.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Registration {
    /// The URL: `http://` or `https://`.
    pub webhook_url: String,
    /// The name, unique among your webhooks; needed if the URL already has a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::WebhookName>)]
    pub name: Option<WebhookName>,
    /// The signing secret, `whsec_…`; generated if omitted. Only for a new webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Hidden>,
    /// Start after this event; default: from now on. Only for a new webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>)]
    pub after: Option<Position>,
    /// Start in the past: `10m`, RFC 3339, or `earliest`. Only for a new webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Since>)]
    pub since: Option<Literal>,
    /// The settings.
    #[serde(flatten)]
    pub wishes: Wishes,
}

/// The changes to a webhook. Omitted members are left unchanged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// The new URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub webhook_url: Option<String>,
    /// The new name; `null` for none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<values::WebhookName>)]
    pub name: Option<Option<WebhookName>>,
    /// The settings to change.
    #[serde(flatten)]
    pub wishes: Wishes,
}

/// The settings of a webhook. Omitted members are left unchanged; `null` restores the default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Wishes {
    /// The channel patterns; default: all channels.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Vec<values::Pattern>>, max_items = 64)]
    pub channels: Option<Option<Vec<Pattern>>>,
    /// The event types; default: all.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Vec<values::EventType>>, max_items = 64)]
    pub types: Option<Option<Vec<EventType>>>,
    /// The minimum priority; default `min`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<PriorityWord>)]
    pub min_priority: Option<Option<Priority>>,
    /// Text that the message contains, ASCII case-insensitive; default none.
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
    /// The credentials to send to the receiver; default none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Credentials>)]
    pub auth: Option<Option<Credentials>>,
    /// Maximum concurrent deliveries; default 16.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 128)]
    pub concurrency: Option<Option<u32>>,
    /// Maximum deliveries per second; default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 10000)]
    pub rate_per_second: Option<Option<u32>>,
    /// Whether each delivery waits until the previous one was delivered or given up; default `false`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    pub ordered: Option<Option<bool>>,
    /// The certificates, as PEM, of the authorities to trust for the receiver, instead of those that the gateway's
    /// machine trusts: at most 16, in 16 KiB. Only for `https`. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 16384)]
    pub ca: Option<Option<String>>,
    /// Whether any certificate of the receiver is accepted, which is not safe: prefer `ca`. Default `false`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    pub insecure_skip_verify: Option<Option<bool>>,
    /// Maximum duration of an attempt, from `1s` to `60s`; default `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<values::Duration>)]
    pub timeout: Option<Option<Literal>>,
    /// The method of requests; default `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<MethodWord>)]
    pub method: Option<Option<MethodWord>>,
    /// The content type of requests; default: that of the payload.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 128)]
    pub content_type: Option<Option<String>>,
    /// The body: `slack`, `discord`, `teams`, `telegram`, `ntfy`, `pagerduty`, or the text of a template of at most 16 KiB,
    /// such as `{"text": {{ message }}}`. It replaces `payload`, and cannot be combined with `batch`. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 16384)]
    pub template: Option<Option<String>>,
    /// Batches events; default: one per delivery.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<BatchWish>)]
    pub batch: Option<Option<BatchWish>>,
    /// A note for people; at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// The delays between attempts, from `10ms` to `7d` each and at most `30d` together; `[]` for a single attempt.
    /// Default `["5s", "5m", "30m", "2h", "5h", "10h", "10h"]`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Vec<values::Duration>>, max_items = 32)]
    pub retry: Option<Option<Vec<Literal>>>,
    /// The signatures of deliveries; `v1` is always included.
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
    /// The full event.
    Event,
    /// The request that brought the event to `/ingest`, as it was received. Events that came in another way are skipped.
    Original,
    /// `message` and `timestamp`, followed by more members.
    Seed,
}

/// The method of a webhook's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum MethodWord {
    /// The receiver changes something.
    Patch,
    /// The receiver takes something new.
    Post,
    /// The receiver replaces something.
    Put,
}

/// A signature scheme of deliveries.
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

/// The options for batching events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchWish {
    /// Maximum events per batch; default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_events: Option<u32>,
    /// Maximum wait of the first event, at most `60s`; default `1s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Duration>)]
    pub max_wait: Option<Literal>,
}

/// The webhook to delete.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unregistration {
    /// The address.
    pub webhook_url: String,
    /// The name; needed if several webhooks have the address and all of them have names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::WebhookName>)]
    pub name: Option<WebhookName>,
}

/// The result of a registration, or of its deletion.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Registered {
    /// `success`.
    pub status: Success,
    /// The URL, with `***` in the place of parts that are secret.
    pub webhook_url: Box<str>,
    /// Number of registered webhooks.
    pub total_webhooks: usize,
    /// The id of the webhook; omitted if a URL was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::WebhookId>, nullable = false)]
    pub id: Option<WebhookId>,
    /// The name of the webhook, if it has one; omitted if a URL was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::WebhookName>, nullable = false)]
    pub name: Option<WebhookName>,
    /// The members that changed, if the webhook was registered before; `locked` stands for the rules of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub changed: Option<Vec<Box<str>>>,
    /// What to know about its settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<Box<str>>,
    /// The signing secret of its deliveries; shown once, when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub secret: Option<Hidden>,
}

/// Parses a member that is present, possibly as `null`.
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
            "webhook_url": "http://localhost:3000/hook", "name": "ci", "secret": "whsec_x", "after": "k3f9x2ab-1", "since": "10m",
            "channels": ["a.>"], "types": ["error"], "min_priority": "high", "text": "x", "payload": "cloudevents",
            "headers": { "X-A": "1" }, "auth": { "kind": "basic", "username": "a", "password": "b" }, "concurrency": 1,
            "rate_per_second": 2, "ordered": true, "ca": "x", "insecure_skip_verify": false, "timeout": "20s", "method": "PUT",
            "content_type": "text/plain", "batch": { "max_events": 3, "max_wait": "2s" },
            "description": "d", "retry": ["5s", 60.0], "signatures": ["v1", "v1a", "hub"],
        });
        for body in [
            json!({ "webhook_url": "http://localhost:3000/hook" }),
            json!({ "webhook_url": "http://localhost:3000/hook", "auth": { "kind": "bearer", "token": "x" }, "text": null }),
            all,
        ] {
            let read: Registration = serde_json::from_value(body.clone()).expect("a registration");
            assert_eq!(serde_json::to_value(&read).expect("JSON"), body);
        }
    }
}
