//! Waiting and failed deliveries, and the delivery of one event.

use fanfare_core::{Channel, EventType, Position, Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::values;
use crate::words::{DeliveryState, Outcome};

/// A delivery that awaits its next attempt, or failed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The webhook.
    #[schema(value_type = values::WebhookId)]
    pub webhook_id: WebhookId,
    /// The event.
    #[schema(value_type = values::Position)]
    pub event_id: Position,
    /// The channel of the event.
    #[schema(value_type = values::Channel)]
    pub channel: Channel,
    /// The event type.
    #[serde(rename = "type")]
    #[schema(value_type = values::EventType)]
    pub event_type: EventType,
    /// The time of the push.
    #[schema(value_type = values::Timestamp)]
    pub timestamp: Timestamp,
    /// `waiting` or `failed`.
    pub state: DeliveryState,
    /// Number of attempts.
    pub attempts: u32,
    /// The outcome of the last attempt.
    pub outcome: Outcome,
    /// Earliest time of the next attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub next_attempt_at: Option<Timestamp>,
    /// The time at which it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub failed_at: Option<Timestamp>,
}

/// A page of deliveries; `D` is a delivery, or its text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = DeliveriesPage, bound = "")]
pub struct DeliveriesPage<D> {
    /// The deliveries: those of each webhook in log order, the webhook that was registered first before the others.
    #[schema(value_type = Vec<Delivery>)]
    pub deliveries: Vec<D>,
    /// Pass as `cursor` to get the next page; omitted on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// An event for one webhook.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventDelivery {
    /// The event.
    #[schema(value_type = values::Position)]
    pub event_id: Position,
    /// The state of the delivery; omitted if the event is not for this webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state: Option<DeliveryState>,
    /// The body that it is sent with, under the current settings.
    #[schema(value_type = values::Json)]
    pub body: Box<RawValue>,
}

/// The options of a resend.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resend {
    /// A replacement body, any JSON; the receiver then sees a different delivery, with an id of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = values::Json, required = false)]
    pub body: Option<Box<RawValue>>,
}
