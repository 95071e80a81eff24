//! A webhook, with what it wants and how it fares.

use fanfare_core::{EventType, Pattern, Position, Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::values;
use crate::words::{AuthKind, Category, Health, PauseReason, Payload, Priority, SendingState, SignatureKind};

/// A webhook, its settings and its health.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    #[schema(value_type = values::WebhookId)]
    pub id: WebhookId,
    /// Where it is called, as it was given.
    pub webhook_url: Box<str>,
    /// Whether it is sent to.
    pub state: SendingState,
    /// How it fares.
    pub health: Health,
    /// Why it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<PauseReason>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub explained: Option<Box<str>>,
    /// Since when it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub paused_since: Option<Timestamp>,
    /// While it is `held` because it failed: when the next attempt is let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub held_until: Option<Timestamp>,
    /// Everything up to here was delivered, waits, or was given up.
    #[schema(value_type = values::Position)]
    pub position: Position,
    /// Number of events in the log after that position.
    pub behind: u64,
    /// How many events that it wants come after that, up to 10,000; only of a single webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lag: Option<u64>,
    /// Whether all of them were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lag_is_exact: Option<bool>,
    /// Deliveries that wait for their next attempt.
    pub waiting: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// Failures since the last success.
    pub failures: u32,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub failing_since: Option<Timestamp>,
    /// When it last answered with 2xx.
    #[schema(value_type = Option<values::Timestamp>, required = true)]
    pub last_success: Option<Timestamp>,
    /// When it last did not.
    #[schema(value_type = Option<values::Timestamp>, required = true)]
    pub last_failure: Option<Timestamp>,
    /// What that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_failure_category: Option<Category>,
    /// Retention removed events up to here before they were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>, nullable = false)]
    pub lost_up_to: Option<Position>,
    /// How the newest attempts ended, the newest first; forgotten when the gateway stops.
    pub recent: Vec<Outcome>,
    /// How its attempts ended, without those that somebody asked for; counted since the gateway started.
    pub ended: Ended,
    /// What `v1a` signatures are verified with: `whpk_…`.
    pub public_key: String,
    /// Until when each earlier secret still signs, the newest first.
    #[schema(value_type = Vec<values::Timestamp>)]
    pub earlier_secrets_until: Vec<Timestamp>,
    /// When it was registered.
    #[schema(value_type = values::Timestamp)]
    pub created: Timestamp,
    /// What it wants.
    #[serde(flatten)]
    pub wants: Wants,
}

/// What a webhook wants: which events, in which form, how fast, how signed. No header's value, password or token is in it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Wants {
    /// Which channels.
    #[schema(value_type = Vec<values::Pattern>)]
    pub patterns: Vec<Pattern>,
    /// Which types; none means all.
    #[schema(value_type = Vec<values::EventType>)]
    pub types: Vec<EventType>,
    /// The minimum priority.
    pub min_priority: Priority,
    /// Text that the message contains, ASCII case ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<Box<str>>,
    /// The form of the body.
    pub payload: Payload,
    /// The names of the headers that are added.
    pub headers: Vec<String>,
    /// How the receiver is told who sends.
    #[schema(required = true)]
    pub auth: Option<Auth>,
    /// Deliveries on their way at a time.
    pub concurrency: u32,
    /// Deliveries per second at most.
    #[schema(required = true)]
    pub rate_per_second: Option<u32>,
    /// Whether each delivery waits until the one before it has arrived or was given up.
    pub ordered: bool,
    /// How events are sent several at a time.
    #[schema(required = true)]
    pub batch: Option<Batch>,
    /// For people.
    #[schema(required = true)]
    pub description: Option<Box<str>>,
    /// The pauses between attempts, joined by `,`; or `none`.
    pub retry: String,
    /// What deliveries are signed with, `v1` first.
    pub signatures: Vec<SignatureKind>,
}

/// How a receiver is told who sends.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Auth {
    /// Which way.
    pub kind: AuthKind,
    /// Of `basic`, the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub username: Option<Box<str>>,
}

/// How events are gathered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// Most events.
    pub max_events: u32,
    /// Longest that the first of them waits.
    #[schema(value_type = values::Duration)]
    pub max_wait: String,
}

/// How an attempt ended.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// When it began.
    #[schema(value_type = values::Timestamp)]
    pub at: Timestamp,
    /// How it ended.
    pub category: Category,
    /// How long it took, in microseconds.
    pub total_us: u64,
}

/// How attempts ended, each as a pair: how many were answered with 2xx, and how many were not.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// In the last 24 hours.
    #[schema(value_type = Vec<u32>, min_items = 2, max_items = 2)]
    pub day: (u32, u32),
    /// In each minute of the last hour, the oldest first; empty when there was none.
    #[schema(value_type = Vec<Vec<u32>>)]
    pub hour: Vec<(u32, u32)>,
}

/// Every webhook, by its address.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookAddresses {
    /// Their addresses, the oldest registration first.
    pub webhooks: Vec<Box<str>>,
    /// How many.
    pub total: usize,
}

/// Every webhook, with what it wants and how it fares.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookDetails {
    /// The oldest registration first.
    pub webhooks: Vec<Webhook>,
    /// How many.
    pub total: usize,
}

/// Every webhook: with `details=true` as objects, otherwise as addresses.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WebhookList {
    /// As objects.
    Details(WebhookDetails),
    /// As addresses.
    Addresses(WebhookAddresses),
}

impl PartialSchema for WebhookList {
    /// An empty list is both, so this is `anyOf`.
    fn schema() -> RefOr<Schema> {
        let named = |name: &str| Ref::from_schema_name(name);
        AnyOfBuilder::new()
            .item(named("WebhookDetails"))
            .item(named("WebhookAddresses"))
            .description(Some("Every webhook: with `details=true` as objects, otherwise as addresses."))
            .into()
    }
}

impl ToSchema for WebhookList {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((WebhookDetails::name().into_owned(), WebhookDetails::schema()));
        schemas.push((WebhookAddresses::name().into_owned(), WebhookAddresses::schema()));
        WebhookDetails::schemas(schemas);
    }
}
