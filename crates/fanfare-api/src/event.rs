//! Events, as subscribers receive them.

use fanfare_core::{Channel, EventType, Position, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::values;
use crate::words::{Audience, Door, Priority};

/// An event, as subscribers receive it. The gateway writes `fanfare_core::Event`, which has the same members.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The position of the event in the log.
    #[schema(value_type = values::Position)]
    pub id: Position,
    /// The channel that it was pushed to.
    #[schema(value_type = values::Channel)]
    pub channel: Channel,
    /// The event type.
    #[serde(rename = "type")]
    #[schema(value_type = values::EventType)]
    pub event_type: EventType,
    /// The text.
    pub message: String,
    /// Any JSON; omitted if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = values::Json, required = false)]
    pub data: Option<Box<RawValue>>,
    /// The priority.
    pub priority: Priority,
    /// The conflation key; omitted if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<String>,
    /// The time of day of the append. If the machine's clock was set back, it can be earlier than that of the
    /// previous event; the seq defines the order.
    #[schema(value_type = values::Timestamp)]
    pub timestamp: Timestamp,
    /// The source of the event.
    pub source: Source,
    /// The subscribers and webhooks that it is for.
    #[serde(default = "everybody")]
    pub audience: Audience,
    /// The time at which delivery stops; omitted if the event does not expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub expires_at: Option<Timestamp>,
    /// What is kept of the request that brought the event to `/ingest`; omitted if the event was pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub original: Option<Original>,
}

/// What is kept of the request that brought an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Original {
    /// The first event that the request brought: the request is kept for as long as that one. `GET
    /// /api/events/{id}/original` returns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>, nullable = false)]
    pub event: Option<Position>,
    /// Whether the request was too long to be kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_long: bool,
}

/// The source of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// The principal that pushed it.
    pub principal: String,
    /// Through which door, as the gateway itself knows.
    pub door: Door,
    /// The name that the pusher claims for itself, such as its `User-Agent`; not verified. Omitted if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<String>,
}

fn everybody() -> Audience {
    Audience::All
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_core::{
        Agent, Arrival, Door, Event, Json, Key, NewEvent, Original, Position, Priority, Source, Timestamp,
    };

    #[test]
    fn what_the_gateway_writes_is_read_and_written_alike() {
        let source =
            Source { principal: Arc::from("local"), door: Door::Http, agent: Agent::claimed("curl/8.5.0") };
        let least = NewEvent::new("hi".to_owned(), source).expect("a message");
        let position: Position = "k3f9x2ab-7".parse().expect("a position");
        let event = |new: NewEvent, data, key, expires, original| Event {
            position,
            timestamp: Timestamp::from_micros(1_795_282_915_791_336),
            arrival: Arrival::from_micros(0),
            channel: new.channel,
            event_type: new.event_type,
            message: new.message,
            data,
            priority: Priority::High,
            key,
            source: new.source,
            audience: new.audience,
            expires,
            original,
        };
        let data = Json::parse(r#"{"n":1.50,"list":[null]}"#.to_owned()).expect("JSON");
        let key: Key = "k".parse().expect("a key");
        for event in [
            event(
                NewEvent { source: Source { agent: None, ..least.source.clone() }, ..least.clone() },
                None,
                None,
                None,
                None,
            ),
            event(least.clone(), None, None, None, Some(Original::TooLong)),
            event(least, Some(data), Some(key), Some(Timestamp::from_micros(1)), Some(Original::With(6))),
        ] {
            let written = serde_json::to_string(&event).expect("text");
            let read: super::Event = serde_json::from_str(&written).expect("an event");
            assert_eq!(serde_json::to_string(&read).expect("text"), written);
        }
    }
}
