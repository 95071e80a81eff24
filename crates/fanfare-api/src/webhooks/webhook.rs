//! A webhook, its settings and its health.

use fanfare_core::{EventType, Pattern, Position, Timestamp, WebhookId, WebhookName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::hidden::Hidden;
use crate::values;
use crate::webhooks::credentials::Auth;
use crate::words::{Method, Outcome, PauseReason, Payload, Priority, SignatureKind, WebhookState};

/// A webhook, its settings and its health.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// The id of the webhook.
    #[schema(value_type = values::WebhookId)]
    pub id: WebhookId,
    /// The name that its owner gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::WebhookName>, nullable = false)]
    pub name: Option<WebhookName>,
    /// The URL, with `***` in the place of parts that are secret, as in the addresses of Slack.
    pub webhook_url: Box<str>,
    /// The state of the webhook.
    pub state: WebhookState,
    /// The reason that it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub paused_reason: Option<PauseReason>,
    /// Why it is not `active`, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub explanation: Option<Box<str>>,
    /// The time since which it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub paused_since: Option<Timestamp>,
    /// The time of the next attempt, while it is `held` because it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub held_until: Option<Timestamp>,
    /// The position up to which every event was delivered, waits, or failed.
    #[schema(value_type = values::Position)]
    pub position: Position,
    /// Number of events after that position that it gets: they match, and are not for streams alone. If this is not
    /// exact, all events after it.
    pub lag: u64,
    /// Whether `lag` counts only events that it gets, which is so for at most 10,000 of them; in a list of many webhooks
    /// that are far behind, only for the first ones.
    pub lag_is_exact: bool,
    /// Deliveries that await their next attempt.
    pub waiting: u64,
    /// Deliveries that failed.
    pub failed: u64,
    /// Failures since the last success.
    pub failures: u32,
    /// The time of the first of these failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub failing_since: Option<Timestamp>,
    /// The time of the last 2xx response.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub last_success_at: Option<Timestamp>,
    /// The time of the last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub last_failure_at: Option<Timestamp>,
    /// The outcome of the last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_failure_outcome: Option<Outcome>,
    /// The position up to which events were not sent, because they had been removed, purged or damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>, nullable = false)]
    pub lost_up_to: Option<Position>,
    /// The public key that verifies `v1a` signatures: `whpk_…`.
    pub public_key: String,
    /// The times until which earlier secrets still sign, newest first.
    #[schema(value_type = Vec<values::Timestamp>)]
    pub earlier_secrets_until: Vec<Timestamp>,
    /// Whether it goes only to public addresses, and to those that the operator allows: the gateway is locked, or somebody
    /// chose the URL from another machine, through a proxy, or from a page of another site.
    #[serde(default)]
    pub locked: bool,
    /// What to know about its settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<Box<str>>,
    /// The time of the registration.
    #[schema(value_type = values::Timestamp)]
    pub created_at: Timestamp,
    /// The settings.
    #[serde(flatten)]
    pub wants: Wants,
}

/// A webhook that was just created.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// The secret that signs its deliveries; shown once.
    pub secret: Hidden,
}

/// The settings of a webhook: filter, format, rate and signatures. They contain no header value, password or token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Wants {
    /// The channel patterns.
    #[schema(value_type = Vec<values::Pattern>)]
    pub channels: Vec<Pattern>,
    /// The event types; empty means all.
    #[schema(value_type = Vec<values::EventType>)]
    pub types: Vec<EventType>,
    /// The minimum priority.
    pub min_priority: Priority,
    /// Text that the message contains, ASCII case-insensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<Box<str>>,
    /// The form of the body.
    pub payload: Payload,
    /// The names of the added headers; their values are secret.
    pub header_names: Vec<String>,
    /// The credentials sent to the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub auth: Option<Auth>,
    /// Maximum concurrent deliveries.
    pub concurrency: u32,
    /// Maximum deliveries per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rate_per_second: Option<u32>,
    /// Whether each delivery waits until the previous one was delivered or given up.
    pub ordered: bool,
    /// The SHA-256 of each certificate in `ca`, in hexadecimal; omitted without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ca_fingerprints: Vec<String>,
    /// Whether any certificate of the receiver is accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub insecure_skip_verify: bool,
    /// Maximum duration of an attempt.
    #[serde(default = "ten_seconds")]
    #[schema(value_type = values::DurationText)]
    pub timeout: String,
    /// The method of requests.
    #[serde(default = "post")]
    pub method: Method,
    /// The content type of requests, if it is not that of the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub content_type: Option<Box<str>>,
    /// The template of the body, which replaces `payload`: a preset's name, or a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub template: Option<Box<str>>,
    /// The batching of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub batch: Option<Batch>,
    /// A note for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<Box<str>>,
    /// The delays between attempts; empty if there is a single attempt.
    #[schema(value_type = Vec<values::DurationText>)]
    pub retry: Vec<String>,
    /// The signatures of deliveries, `v1` first.
    pub signatures: Vec<SignatureKind>,
}

/// The batching of events.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// Maximum events per batch.
    pub max_events: u32,
    /// Maximum wait of the first event.
    #[schema(value_type = values::DurationText)]
    pub max_wait: String,
}

/// The timeout of every webhook of an earlier gateway.
fn ten_seconds() -> String {
    "10s".to_owned()
}

/// The method of every webhook of an earlier gateway.
fn post() -> Method {
    Method::Post
}

/// A page of webhooks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookList {
    /// The URLs, with `***` in the place of parts that are secret, oldest registration first.
    pub webhooks: Vec<Box<str>>,
    /// The same webhooks with their settings and health; only with `details=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub items: Option<Vec<Webhook>>,
    /// Pass as `cursor` to get the next page; omitted on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Number of webhooks on all pages.
    pub total: usize,
}

impl WebhookList {
    /// Returns the webhooks as objects: none if they were not asked for.
    pub fn into_items(self) -> Vec<Webhook> {
        self.items.unwrap_or_default()
    }
}
