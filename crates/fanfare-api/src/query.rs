//! The parameters of queries, as the document describes them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::push::PriorityWord;
use crate::values;

/// Which events.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Patterns of channels; default `>`: all of them.
    #[param(value_type = Option<Vec<values::Pattern>>, nullable = false)]
    pub channel: Option<Vec<String>>,
    /// Types of events; default all.
    #[param(value_type = Option<Vec<values::EventType>>, nullable = false)]
    pub r#type: Option<Vec<String>>,
    /// The least priority; default `min`.
    #[param(inline, nullable = false)]
    pub min_priority: Option<PriorityWord>,
    /// Text that the message contains, ASCII case ignored.
    #[param(nullable = false)]
    pub text: Option<String>,
}

/// How to listen, and from where.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Listen {
    /// The text of each event, or the whole of it; default `text`.
    #[param(inline, nullable = false)]
    pub format: Option<Format>,
    /// Whether each frame has `event: <type>`; default `plain`.
    #[param(inline, nullable = false)]
    pub events: Option<Frames>,
    /// Continue after this position.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub last_event_id: Option<String>,
    /// Begin in the past: `10m`, RFC 3339, or `earliest`.
    #[param(nullable = false)]
    pub since: Option<String>,
    /// A durable reader: continue after what it acknowledged.
    #[param(value_type = Option<values::ReaderName>, nullable = false)]
    pub reader: Option<String>,
    /// When behind, of the events with one key only the newest.
    #[param(nullable = false)]
    pub conflate: Option<bool>,
}

/// Where a browser that reconnects continues.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Reconnect {
    /// As `last_event_id`, and before it.
    #[param(rename = "Last-Event-ID", value_type = Option<values::Position>, nullable = false)]
    pub last_event_id: Option<String>,
}

/// How an event is written into a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The whole event.
    Json,
    /// `[timestamp] message`.
    Text,
}

/// How frames are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Frames {
    /// By the type of their event.
    Named,
    /// Not at all.
    Plain,
}

/// Which part of the history.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct History {
    /// Only events after this position.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub after: Option<String>,
    /// Only events before this position.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub before: Option<String>,
    /// Only events since: `10m` or RFC 3339.
    #[param(nullable = false)]
    pub since: Option<String>,
    /// Only events until: `10m` or RFC 3339.
    #[param(nullable = false)]
    pub until: Option<String>,
    /// Which come first; default `newest`.
    #[param(inline, nullable = false)]
    pub order: Option<Order>,
    /// Most events on the page; default 100.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u32>,
}

/// Which events come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The newest.
    Newest,
    /// The oldest.
    Oldest,
}

/// What a push waits for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Push {
    /// `false`: respond as soon as the event is durable, without waiting for webhooks; default `true`.
    #[param(nullable = false)]
    pub wait: Option<bool>,
}

/// What a push says besides its text; only for plain text.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PushText {
    /// The event's type; default `info`.
    #[param(value_type = Option<values::EventType>, nullable = false)]
    pub r#type: Option<String>,
    /// How much it matters; default `default`.
    #[param(inline, nullable = false)]
    pub priority: Option<PriorityWord>,
    /// Its conflation key.
    #[param(nullable = false)]
    pub key: Option<String>,
    /// A repeated one within 24 h appends nothing.
    #[param(nullable = false)]
    pub idempotency_key: Option<String>,
    /// Seconds or `10m`, after which it is not delivered.
    #[param(value_type = Option<values::Duration>, nullable = false)]
    pub expires_in: Option<String>,
}

/// What is changed about the events that another program sends.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Ingest {
    /// Channel to push to; default `ingest.` plus the kind.
    #[param(value_type = Option<values::Channel>, nullable = false)]
    pub channel: Option<String>,
    /// Overrides the event type set by the kind.
    #[param(value_type = Option<values::EventType>, nullable = false)]
    pub r#type: Option<String>,
    /// Overrides the priority set by the kind.
    #[param(inline, nullable = false)]
    pub priority: Option<PriorityWord>,
}

/// How webhooks are listed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Webhooks {
    /// Objects instead of addresses; default `false`.
    #[param(nullable = false)]
    pub details: Option<bool>,
}

/// Which attempts.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Attempts {
    /// Only those that were answered with 2xx, or only those that were not.
    #[param(nullable = false)]
    pub delivered: Option<bool>,
    /// Only at this event.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub event_id: Option<String>,
    /// The `next` of the page before.
    #[param(value_type = Option<values::AttemptId>, nullable = false)]
    pub before: Option<String>,
    /// Most attempts on the page; default 50.
    #[param(minimum = 1, maximum = 100, nullable = false)]
    pub limit: Option<u32>,
}

/// Which deliveries.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Deliveries {
    /// Only in this state; both when nothing is said.
    #[param(inline, nullable = false)]
    pub state: Option<KeptState>,
    /// The `next` of the page before.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub after: Option<String>,
    /// Most deliveries on the page; default 100.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u32>,
}

/// The state of a delivery that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeptState {
    /// It was given up.
    Dead,
    /// It waits for its next attempt.
    Waiting,
}
