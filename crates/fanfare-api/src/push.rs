//! Pushing: an event or several, and what is answered.

use fanfare_core::{Channel, EventType, Position, Priority, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::values;
use crate::words::Success;

/// An event that is pushed. A member that is `null` counts as left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// The text; at most 256 KiB.
    pub message: String,
    /// Where to; default `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Channel>)]
    pub channel: Option<Channel>,
    /// What kind; default `info`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::EventType>)]
    pub event_type: Option<EventType>,
    /// Any JSON; at most 256 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = values::Json, required = false)]
    pub data: Option<Box<RawValue>>,
    /// How much it matters; default `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PriorityWord>, inline)]
    pub priority: Option<Priority>,
    /// Conflation key: a subscriber that lags and conflates gets only the newest event with this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A repeated one within 24 h appends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// When it stops being delivered: seconds, or a duration such as `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<ExpiresIn>,
    /// Which outlets it is for; default `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub audience: Option<AudienceWord>,
}

/// How long an event is delivered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ExpiresIn {
    /// Seconds.
    Seconds(f64),
    /// A duration such as `10m`.
    Text(String),
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PriorityWord {
    /// Noise that is worth keeping.
    Min,
    /// Less than usual.
    Low,
    /// As usual.
    Default,
    /// More than usual.
    High,
    /// Somebody should look now.
    Max,
}

/// The outlets that an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AudienceWord {
    /// Every outlet.
    All,
    /// Live outlets only: no webhooks.
    Stream,
}

/// What is pushed: an event, or several, all or nothing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Push {
    /// An event.
    One(Box<NewEvent>),
    /// 1 to 10,000 events.
    Batch(Vec<NewEvent>),
}

/// The answer to one event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Pushed {
    /// `success`.
    pub status: Success,
    /// The text that was pushed.
    pub message: Box<str>,
    /// When it was appended.
    #[schema(value_type = values::Timestamp)]
    pub timestamp: Timestamp,
    /// How many webhooks answered the first attempt with 2xx, within ten seconds.
    pub webhooks_notified: usize,
    /// How many webhooks are registered.
    pub total_webhooks: usize,
    /// Its position.
    #[schema(value_type = values::Position)]
    pub id: Position,
    /// Where it went.
    #[schema(value_type = values::Channel)]
    pub channel: Channel,
    /// How many live subscriptions it matches.
    pub stream_clients: usize,
    /// It was appended by an earlier push with the same idempotency key; left out when it was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
}

/// The answer to a batch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PushedBatch {
    /// `success`.
    pub status: Success,
    /// How many events it had.
    pub count: usize,
    /// The position of the first.
    #[schema(value_type = values::Position)]
    pub first_id: Position,
    /// The position of the last.
    #[schema(value_type = values::Position)]
    pub last_id: Position,
    /// When the last was appended.
    #[schema(value_type = values::Timestamp)]
    pub timestamp: Timestamp,
    /// How many webhooks answered the first attempt with 2xx, within ten seconds.
    pub webhooks_notified: usize,
    /// How many webhooks are registered.
    pub total_webhooks: usize,
    /// Most live subscriptions matched by any one event of the batch.
    pub stream_clients: usize,
    /// Each event's position, in the order of the batch.
    #[schema(value_type = Vec<values::Position>)]
    pub ids: Vec<Position>,
}

/// The answer to a push: an event is answered in other words than a batch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum PushAnswer {
    /// To one event.
    One(Box<Pushed>),
    /// To a batch.
    Batch(PushedBatch),
}

/// The answer to what another program sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum IngestAnswer {
    /// To one event.
    One(Box<Pushed>),
    /// To several alerts.
    Batch(PushedBatch),
    /// To a hook of Claude Code, which would take any member for an instruction.
    Nothing(Nothing),
}

/// An object without members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}
