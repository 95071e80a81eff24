//! Pushing: one or several events, and the response.

use fanfare_core::duration::Literal;
use fanfare_core::{Channel, EventType, Position, Priority, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::values;
use crate::words::Success;

/// An event to push. A member that is `null` counts as omitted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// The text; at most 256 KiB.
    pub message: String,
    /// The channel to push to; default `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Channel>)]
    pub channel: Option<Channel>,
    /// The event type; default `info`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::EventType>)]
    pub event_type: Option<EventType>,
    /// Any JSON; at most 256 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = values::Json, required = false)]
    pub data: Option<Box<RawValue>>,
    /// The priority; default `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PriorityWord>, inline)]
    pub priority: Option<Priority>,
    /// Conflation key: a subscriber that lags and conflates gets only the newest event with this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Makes retries safe: a repeated key within 24 h appends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Stop delivering it after this long: from `1ms` to ten years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Duration>)]
    pub expires_in: Option<Literal>,
    /// The subscribers and webhooks that it is for; default `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub audience: Option<AudienceWord>,
}

/// The priority of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PriorityWord {
    /// Minor events that are worth keeping.
    Min,
    /// Less important than usual.
    Low,
    /// The usual priority.
    Default,
    /// More important than usual.
    High,
    /// Needs attention now.
    Max,
}

/// The subscribers and webhooks that an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AudienceWord {
    /// Live subscribers and webhooks.
    All,
    /// Live subscribers only, no webhooks.
    Stream,
}

/// The body of a push: one event, or several, all or nothing.
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
    /// The time of the append.
    #[schema(value_type = values::Timestamp)]
    pub timestamp: Timestamp,
    /// Number of webhooks that answered the first attempt with 2xx while the push waited.
    pub webhooks_notified: usize,
    /// Number of registered webhooks.
    pub total_webhooks: usize,
    /// The position of the event.
    #[schema(value_type = values::Position)]
    pub id: Position,
    /// The channel of the event.
    #[schema(value_type = values::Channel)]
    pub channel: Channel,
    /// Number of live subscriptions that match it.
    pub stream_clients: usize,
    /// Whether an earlier push with the same idempotency key had appended it; omitted if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
}

/// The answer to a batch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PushedBatch {
    /// `success`.
    pub status: Success,
    /// Number of events in the batch.
    pub count: usize,
    /// The position of the first event.
    #[schema(value_type = values::Position)]
    pub first_id: Position,
    /// The position of the last event.
    #[schema(value_type = values::Position)]
    pub last_id: Position,
    /// The time of the last append.
    #[schema(value_type = values::Timestamp)]
    pub timestamp: Timestamp,
    /// Number of webhooks that answered the first attempt with 2xx while the push waited.
    pub webhooks_notified: usize,
    /// Number of registered webhooks.
    pub total_webhooks: usize,
    /// Most live subscriptions matched by any one event of the batch.
    pub stream_clients: usize,
    /// The position of each event, in the order of the batch.
    #[schema(value_type = Vec<values::Position>)]
    pub ids: Vec<Position>,
}

/// The response to a push, which differs between an event and a batch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum PushAnswer {
    /// The response to one event.
    One(Box<Pushed>),
    /// The response to a batch.
    Batch(PushedBatch),
}

/// The response to what another program sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum IngestAnswer {
    /// The response to one event.
    One(Box<Pushed>),
    /// The response to several alerts or CloudEvents.
    Batch(PushedBatch),
    /// The response to a hook of Claude Code, which would treat any member as an instruction.
    Nothing(Nothing),
    /// The response to a question that a sender asks before it sends anything.
    Challenged(Challenged),
    /// The response to Azure Event Grid's question.
    Validated(Validated),
}

/// The response to a sender that asks whether somebody is there: what it sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Challenged {
    /// The challenge, as it was sent.
    #[schema(value_type = values::Json)]
    pub challenge: serde_json::Value,
}

/// The response to Azure Event Grid's question.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Validated {
    /// The code, as it was sent.
    pub validation_response: String,
}

/// The response to `GET` and `HEAD` at an address of ingest.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IngestReady {
    /// Always `success`.
    pub status: Success,
    /// How to send events.
    pub message: String,
}

/// An object without members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}
