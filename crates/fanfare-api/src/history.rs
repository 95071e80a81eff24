//! What was pushed, and who has it.

use fanfare_core::{Position, ReaderName, Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Event;
use crate::values;
use crate::words::{Category, DeliveryState};

/// A page of the history. `E` is an event: the gateway writes what it has in memory, a client may keep the text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = HistoryPage, bound = "")]
pub struct HistoryPage<E> {
    /// The events, in the order asked for.
    #[schema(value_type = Vec<Event>)]
    pub events: Vec<E>,
    /// Where the next page begins; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>, nullable = false)]
    pub next: Option<Position>,
    /// The oldest position that is kept.
    #[schema(value_type = values::Position)]
    pub first: Position,
    /// The last position.
    #[schema(value_type = values::Position)]
    pub last: Position,
}

/// Who has an event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Receipts {
    /// The event.
    #[schema(value_type = values::Position)]
    pub id: Position,
    /// The durable readers that it is for.
    pub readers: Vec<ReaderReceipt>,
    /// How many these are.
    pub total: usize,
    /// How many of them have it.
    pub acknowledged: usize,
    /// The webhooks that it is for.
    pub webhooks: Vec<WebhookReceipt>,
    /// How many these are.
    pub webhooks_total: usize,
    /// How many of them took it.
    pub webhooks_delivered: usize,
}

/// Whether a durable reader has an event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReaderReceipt {
    /// Its name.
    #[schema(value_type = values::ReaderName)]
    pub reader: ReaderName,
    /// Whether it has it.
    pub acknowledged: bool,
    /// Its current position.
    #[schema(value_type = values::Position)]
    pub position: Position,
}

/// How an event fared with a webhook.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookReceipt {
    /// Its id.
    #[schema(value_type = values::WebhookId)]
    pub webhook: WebhookId,
    /// Where it is called.
    pub webhook_url: Box<str>,
    /// How the event fared.
    pub state: DeliveryState,
    /// How often it was tried, when it waits or was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub attempts: Option<u32>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure: Option<Category>,
    /// Earliest time of the next attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub next_attempt_at: Option<Timestamp>,
}
