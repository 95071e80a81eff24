//! Past events, and their recipients.

use fanfare_core::{Position, ReaderName, Timestamp, WebhookId, WebhookName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Event;
use crate::values;
use crate::words::{DeliveryState, Outcome};

/// A page of the history. `E` is an event: the gateway writes the one in memory, and a client can keep the text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = HistoryPage, bound = "")]
pub struct HistoryPage<E> {
    /// The events, in the requested order.
    #[schema(value_type = Vec<Event>)]
    pub events: Vec<E>,
    /// Pass as `cursor` to get the next page; omitted on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Number of events in this part of the log that cannot be read, because their rows are damaged; omitted if
    /// there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub damaged: Option<u64>,
    /// Number of events in this part of the log that were purged; omitted if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub purged: Option<u64>,
    /// The oldest position in the log.
    #[schema(value_type = values::Position)]
    pub first: Position,
    /// The last position.
    #[schema(value_type = values::Position)]
    pub last: Position,
}

/// The recipients of an event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Receipts {
    /// The event.
    #[schema(value_type = values::Position)]
    pub event_id: Position,
    /// The durable readers that the event is for.
    pub readers: Vec<ReaderReceipt>,
    /// Number of these readers.
    pub readers_total: usize,
    /// Number of these readers that acknowledged it.
    pub readers_acknowledged: usize,
    /// The webhooks that the event is for.
    pub webhooks: Vec<WebhookReceipt>,
    /// Number of these webhooks.
    pub webhooks_total: usize,
    /// Number of these webhooks that accepted it.
    pub webhooks_delivered: usize,
}

/// The receipt of an event for a durable reader.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReaderReceipt {
    /// The name of the reader.
    #[schema(value_type = values::ReaderName)]
    pub reader: ReaderName,
    /// Whether it acknowledged the event.
    pub acknowledged: bool,
    /// Its current position.
    #[schema(value_type = values::Position)]
    pub position: Position,
}

/// The receipt of an event for a webhook.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookReceipt {
    /// The id of the webhook.
    #[schema(value_type = values::WebhookId)]
    pub webhook_id: WebhookId,
    /// The name of the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::WebhookName>, nullable = false)]
    pub webhook_name: Option<WebhookName>,
    /// The URL of the webhook.
    pub webhook_url: Box<str>,
    /// The state of the delivery.
    pub state: DeliveryState,
    /// Number of attempts, if the delivery waits or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub attempts: Option<u32>,
    /// The outcome of the last attempt, if the delivery waits or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub outcome: Option<Outcome>,
    /// Earliest time of the next attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub next_attempt_at: Option<Timestamp>,
}
