//! The parameters of queries, as the document describes them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::push::PriorityWord;
use crate::values;
use crate::words::Outcome;

/// A filter of events.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Channel patterns; default `>`: all channels.
    #[param(value_type = Option<Vec<values::Pattern>>, nullable = false)]
    pub channel: Option<Vec<String>>,
    /// Event types; default: all.
    #[param(value_type = Option<Vec<values::EventType>>, nullable = false)]
    pub r#type: Option<Vec<String>>,
    /// The minimum priority; default `min`.
    #[param(inline, nullable = false)]
    pub min_priority: Option<PriorityWord>,
    /// Text that the message contains, ASCII case-insensitive.
    #[param(nullable = false)]
    pub text: Option<String>,
}

/// What becomes of a client that is disconnected.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Disconnect {
    /// The time for which the client may not return, from `1s` to `24h`; default: it may return at once.
    #[param(value_type = Option<values::DurationText>, nullable = false)]
    pub deny_for: Option<String>,
}

/// The options of a stream, and its start.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Listen {
    /// The text of each event, or the whole event; default `text`.
    #[param(inline, nullable = false)]
    pub format: Option<Format>,
    /// Whether each frame has `event: <type>`; default `plain`.
    #[param(inline, nullable = false)]
    pub events: Option<Frames>,
    /// Continue after this position.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub last_event_id: Option<String>,
    /// Start in the past: `10m`, RFC 3339, or `earliest`.
    #[param(value_type = Option<values::Since>, nullable = false)]
    pub since: Option<String>,
    /// A durable reader: continue after the events it acknowledged.
    #[param(value_type = Option<values::ReaderName>, nullable = false)]
    pub reader: Option<String>,
    /// When behind, send only the newest event for each key.
    #[param(nullable = false)]
    pub conflate: Option<bool>,
    /// When behind, skip events of priority `low` and `min`; a `gap` says how many.
    #[param(inline, nullable = false)]
    pub shed: Option<Shed>,
}

/// The signs of life on a silent connection.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Keepalive {
    /// The interval of comments or pings on a silent connection: `1s` to `5m`; default: that of the gateway, usually
    /// `30s`.
    #[param(value_type = Option<values::Duration>, nullable = false)]
    pub keepalive: Option<String>,
}

/// The position from which a reconnecting browser continues.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Reconnect {
    /// The same as `last_event_id`, and preferred to it.
    #[param(rename = "Last-Event-ID", value_type = Option<values::Position>, nullable = false)]
    pub last_event_id: Option<String>,
}

/// The format of an event in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The whole event.
    Json,
    /// `[timestamp] message`.
    Text,
}

/// The least important part of a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shed {
    /// Events of priority `low` and `min`.
    Low,
}

/// The names of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Frames {
    /// Frames named by the type of their event.
    Named,
    /// Frames without a name.
    Plain,
}

/// A part of the history.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct History {
    /// Only events after this position.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub after: Option<String>,
    /// Only events before this position.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub before: Option<String>,
    /// Only events since then: `10m`, RFC 3339, or `earliest`.
    #[param(value_type = Option<values::Since>, nullable = false)]
    pub since: Option<String>,
    /// Only events until then: `10m` or RFC 3339.
    #[param(value_type = Option<values::Moment>, nullable = false)]
    pub until: Option<String>,
    /// The order of events; default `newest`.
    #[param(inline, nullable = false)]
    pub order: Option<Order>,
    /// Maximum events: on a page up to 1,000, default 100; as lines of JSON any number, default all.
    #[param(minimum = 1, nullable = false)]
    pub limit: Option<u64>,
    /// The `next_cursor` of the previous page.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// If no event is selected, wait for one, up to `55s`; default `0s`. Cannot be combined with `before`, `until`, or
    /// the cursor of a page that starts with the newest.
    #[param(value_type = Option<values::Duration>, nullable = false)]
    pub wait: Option<String>,
}

/// A search of everything that was written in events.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// Text that the message, the data, the channel or the key contains, ASCII case-insensitive. Data is searched as the
    /// JSON that was pushed.
    #[param(nullable = false)]
    pub search: Option<String>,
}

/// The statistics of events.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventStats {
    /// Only events since then: `10m`, RFC 3339, or `earliest`, the default.
    #[param(value_type = Option<values::Since>, nullable = false)]
    pub since: Option<String>,
    /// Only events until then: `10m` or RFC 3339; default: now.
    #[param(value_type = Option<values::Moment>, nullable = false)]
    pub until: Option<String>,
    /// The width of each bucket, of which there are at most 1,000: from `1s` to `365d`. Default: one of the usual widths,
    /// so that there are at most 100.
    #[param(value_type = Option<values::Duration>, nullable = false)]
    pub bucket: Option<String>,
}

/// A page of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Maximum rows on the page; default 100.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    #[param(nullable = false)]
    pub cursor: Option<String>,
}

/// The order of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The newest.
    Newest,
    /// The oldest.
    Oldest,
}

/// The time that a push waits for webhooks.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Push {
    /// Maximum wait for the first attempts at webhooks, up to `55s`; with `0s`, the response comes as soon as the event is
    /// durable. Default `10s`.
    #[param(value_type = Option<values::Duration>, nullable = false)]
    pub wait: Option<String>,
}

/// The time that a push to the channel in the path waits for webhooks.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PushToChannel {
    /// Maximum wait for the first attempts at webhooks, up to `55s`, or `true` for that. Default `0s`: the response comes
    /// as soon as the event is durable.
    #[param(value_type = Option<values::Duration>, nullable = false)]
    pub wait: Option<String>,
}

/// The members of a pushed event besides its text; only for plain text.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PushText {
    /// The event's type; default `info`.
    #[param(value_type = Option<values::EventType>, nullable = false)]
    pub r#type: Option<String>,
    /// The priority; default `default`.
    #[param(inline, nullable = false)]
    pub priority: Option<PriorityWord>,
    /// The conflation key.
    #[param(nullable = false)]
    pub key: Option<String>,
    /// Makes retries safe: a repeated key within 24 h appends nothing.
    #[param(nullable = false)]
    pub idempotency_key: Option<String>,
    /// Stop delivering it after this long: from `1ms` to ten years.
    #[param(value_type = Option<values::Duration>, nullable = false)]
    pub expires_in: Option<String>,
}

/// The headers that describe a message in plain text. With another body, they are ignored.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Labels {
    /// The title, which becomes `title` in the event's data.
    #[param(rename = "Title", nullable = false)]
    pub title: Option<String>,
    /// The priority: its name, or its number from 1 to 5. The parameter `priority` takes precedence.
    #[param(rename = "Priority", nullable = false)]
    pub priority: Option<String>,
    /// Tags, separated by commas, which become the list `tags` in the event's data.
    #[param(rename = "Tags", nullable = false)]
    pub tags: Option<String>,
}

/// Overrides for the events that another program sends.
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

/// The form of the list of webhooks.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Webhooks {
    /// Also return the webhooks as objects, in `items`; default `false`.
    #[param(nullable = false)]
    pub details: Option<bool>,
    /// Only webhooks in this state; default: all.
    #[param(inline, nullable = false)]
    pub state: Option<WebhookStateWord>,
    /// Maximum webhooks on the page; default 1000.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    #[param(nullable = false)]
    pub cursor: Option<String>,
}

/// The statistics of a webhook.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WebhookStats {
    /// The width of each bucket: minutes of the last hour, or hours of the last day; default `1m`.
    #[param(inline, nullable = false)]
    pub bucket: Option<BucketWidth>,
}

/// The width of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum BucketWidth {
    /// The minutes of the last hour.
    #[serde(rename = "1m")]
    Minute,
    /// The hours of the last day.
    #[serde(rename = "1h")]
    Hour,
}

/// The state of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookStateWord {
    /// The last attempt succeeded, or none was made.
    Active,
    /// Every attempt since the last success failed.
    Failing,
    /// Nothing is sent until one attempt finds out whether the receiver is back.
    Held,
    /// Nothing is sent until it is resumed.
    Paused,
}

/// A selection of attempts.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Attempts {
    /// Only attempts with a 2xx response, or only failed ones.
    #[param(nullable = false)]
    pub delivered: Option<bool>,
    /// Only attempts with this status.
    #[param(minimum = 100, maximum = 599, nullable = false)]
    pub status_code: Option<u16>,
    /// Only attempts with this outcome.
    #[param(inline, nullable = false)]
    pub outcome: Option<Outcome>,
    /// Only attempts that started since then: `10m` or RFC 3339.
    #[param(value_type = Option<values::Moment>, nullable = false)]
    pub since: Option<String>,
    /// Only attempts that started before then: `10m` or RFC 3339.
    #[param(value_type = Option<values::Moment>, nullable = false)]
    pub until: Option<String>,
    /// Only attempts at this event.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub event_id: Option<String>,
    /// The `next_cursor` of the previous page.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// Maximum attempts on the page; default 50.
    #[param(minimum = 1, maximum = 100, nullable = false)]
    pub limit: Option<u32>,
}

/// One webhook of several.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfWebhook {
    /// Only those of this webhook; default: of all.
    #[param(value_type = Option<values::WebhookId>, nullable = false)]
    pub webhook_id: Option<String>,
}

/// A selection of deliveries.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Deliveries {
    /// Only deliveries in this state; default: both.
    #[param(inline, nullable = false)]
    pub state: Option<KeptState>,
    /// Only the delivery of this event.
    #[param(value_type = Option<values::Position>, nullable = false)]
    pub event_id: Option<String>,
    /// The `next_cursor` of the previous page.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// Maximum deliveries on the page; default 100.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u32>,
}

/// The state of a stored delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeptState {
    /// Not retried.
    Failed,
    /// Waiting for the next attempt.
    Waiting,
}
