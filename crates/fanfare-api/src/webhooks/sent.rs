//! What receivers are sent: the bodies of deliveries. The gateway writes them as `fanfare_core::wire::payload` says; the
//! body `event` is an [`Event`](crate::event::Event).

use fanfare_core::{Channel, EventType, Position, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::values;
use crate::words::Priority;

/// The body `seed`: the message, the time, and what else an event has.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeedDelivery {
    /// The text.
    pub message: String,
    /// The time of the append.
    #[schema(value_type = values::Timestamp)]
    pub timestamp: Timestamp,
    /// The position of the event.
    #[schema(value_type = values::Position)]
    pub id: Position,
    /// The channel that it was pushed to.
    #[schema(value_type = values::Channel)]
    pub channel: Channel,
    /// The event type.
    #[serde(rename = "type")]
    #[schema(value_type = values::EventType)]
    pub event_type: EventType,
    /// Any JSON; omitted if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = values::Json, required = false)]
    pub data: Option<Box<RawValue>>,
    /// The priority.
    pub priority: Priority,
}

/// The body `cloudevents`: CloudEvents 1.0.2, structured JSON.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CloudEventDelivery {
    /// `1.0`.
    pub specversion: String,
    /// The position of the event.
    #[schema(value_type = values::Position)]
    pub id: Position,
    /// The log, as a path: `/logs/` and its epoch.
    pub source: String,
    /// The event type.
    #[serde(rename = "type")]
    #[schema(value_type = values::EventType)]
    pub event_type: EventType,
    /// The channel that it was pushed to.
    #[schema(value_type = values::Channel)]
    pub subject: Channel,
    /// The time of the append.
    #[schema(value_type = values::Timestamp)]
    pub time: Timestamp,
    /// The priority.
    pub priority: Priority,
    /// `application/json`.
    pub datacontenttype: String,
    /// The message, and the data of the event if it has some.
    #[schema(inline)]
    pub data: CloudEventData,
}

/// The data of the body `cloudevents`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CloudEventData {
    /// The text.
    pub message: String,
    /// Any JSON; omitted if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = values::Json, required = false)]
    pub data: Option<Box<RawValue>>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_core::wire::payload::Payload;
    use fanfare_core::{Door, Json, NewEvent, Source, Timestamp};

    use super::{CloudEventDelivery, SeedDelivery};

    #[test]
    fn what_the_gateway_sends_is_what_is_described() {
        for data in [None, Some(r#"{"n":1.50,"list":[null]}"#)] {
            let source = Source { principal: Arc::from("local"), door: Door::Http, agent: None };
            let mut new = NewEvent::new("hi".to_owned(), source).expect("a message");
            new.data = data.map(|data| Json::parse(data.to_owned()).expect("JSON"));
            let position = "k3f9x2ab-7".parse().expect("a position");
            let event = new.into_event(position, Timestamp::from_micros(1_795_282_915_791_336));
            let sent = |payload: Payload| String::from_utf8(payload.body(&event)).expect("UTF-8");
            let seed: SeedDelivery = serde_json::from_str(&sent(Payload::Seed)).expect("a body");
            assert_eq!(serde_json::to_string(&seed).expect("text"), sent(Payload::Seed));
            let cloud: CloudEventDelivery =
                serde_json::from_str(&sent(Payload::CloudEvents)).expect("a body");
            assert_eq!(serde_json::to_string(&cloud).expect("text"), sent(Payload::CloudEvents));
        }
    }
}
