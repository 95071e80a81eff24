//! Testing a webhook, or an address.

use fanfare_core::{Channel, EventType, Priority};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::push::PriorityWord;
use crate::values;
use crate::webhooks::registration::Registration;

/// The event of a test, as far as you choose it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Sample {
    /// The channel; default `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Channel>)]
    pub channel: Option<Channel>,
    /// The event type; default `fanfare.test`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::EventType>)]
    pub event_type: Option<EventType>,
    /// The message; default: a sentence that says that it is a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The data, any JSON; default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = values::Json, required = false)]
    pub data: Option<Box<RawValue>>,
    /// The priority; default `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PriorityWord>)]
    pub priority: Option<Priority>,
    /// What is sent instead of the event, any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = values::Json, required = false)]
    pub body: Option<Box<RawValue>>,
}

/// A test of an address: the body of a registration, and the event.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct TrialRequest {
    /// The URL and its settings.
    #[serde(flatten)]
    pub registration: Registration,
    /// The event to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub test: Option<Sample>,
}
