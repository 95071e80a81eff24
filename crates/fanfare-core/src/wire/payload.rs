//! The body of a delivery: bytes that are made once and signed as they are sent.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::event::Event;
use crate::invalid::{Invalid, shown};
use crate::line_ends;

/// Maximum bytes of a batch. A single event that is larger is sent alone.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// The representation of an event for a webhook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Payload {
    /// CloudEvents 1.0.2, structured JSON. The event's channel is the `subject`.
    CloudEvents,
    /// The event as it is everywhere else in the interface.
    Event,
    /// The request that brought the event to `/ingest`, as it was received. It is not made of the event; an event that
    /// no such request brought is written as with `Seed`.
    Original,
    /// The members `message` and `timestamp`, and also `id`, `channel`, `type`, `data` and `priority`.
    #[default]
    Seed,
}

impl Payload {
    /// All formats.
    pub const ALL: [Payload; 4] = [Payload::CloudEvents, Payload::Event, Payload::Original, Payload::Seed];

    /// Returns the name on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Payload::CloudEvents => "cloudevents",
            Payload::Event => "event",
            Payload::Original => "original",
            Payload::Seed => "seed",
        }
    }

    /// Returns the `Content-Type` of one event, or of a batch.
    pub fn content_type(self, is_batch: bool) -> &'static str {
        match (self, is_batch) {
            (Payload::CloudEvents, false) => "application/cloudevents+json",
            (Payload::CloudEvents, true) => "application/cloudevents-batch+json",
            (Payload::Event | Payload::Original | Payload::Seed, _) => "application/json",
        }
    }

    /// Appends one event.
    pub fn write(self, event: &Event, out: &mut Vec<u8>) {
        let start = out.len();
        // Writing to a `Vec` cannot fail.
        let _ = match self {
            Payload::CloudEvents => serde_json::to_writer(&mut *out, &CloudEvent(event)),
            Payload::Event => serde_json::to_writer(&mut *out, event),
            Payload::Original | Payload::Seed => serde_json::to_writer(&mut *out, &Seed(event)),
        };
        line_ends::escape(out, start);
    }

    /// Returns the body for one event.
    pub fn body(self, event: &Event) -> Vec<u8> {
        let data = event.data.as_ref().map_or(0, |data| data.as_str().len());
        let mut out = Vec::with_capacity(event.message.len() + data + 256);
        self.write(event, &mut out);
        out
    }
}

impl FromStr for Payload {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Payload, Invalid> {
        Payload::ALL.into_iter().find(|payload| payload.as_str() == text).ok_or_else(|| {
            Invalid::new(
                Code::InvalidWebhook,
                format!("`{}` is not a payload format", shown(text)),
                "use `seed`, `event`, `cloudevents` or `original`",
            )
        })
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A batch that is being filled: a JSON array.
#[derive(Debug)]
pub struct Batch {
    payload: Payload,
    events_max: usize,
    events: usize,
    /// The body without the closing bracket.
    body: Vec<u8>,
}

impl Batch {
    /// Starts a batch of at most `events_max` events.
    pub fn new(payload: Payload, events_max: usize) -> Batch {
        Batch { payload, events_max, events: 0, body: vec![b'['] }
    }

    /// Adds an event and returns whether it fit, by count and by bytes. The first one always fits.
    pub fn push(&mut self, event: &Event) -> bool {
        if self.events > 0 && self.events >= self.events_max {
            return false;
        }
        let before = self.body.len();
        if self.events > 0 {
            self.body.push(b',');
        }
        self.payload.write(event, &mut self.body);
        if self.events > 0 && self.body.len() >= BATCH_BYTES_MAX {
            self.body.truncate(before);
            return false;
        }
        self.events += 1;
        true
    }

    /// Returns the number of events.
    pub fn len(&self) -> usize {
        self.events
    }

    /// Returns `true` if the batch has no events.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Returns the body.
    pub fn finish(mut self) -> Vec<u8> {
        self.body.push(b']');
        self.body
    }
}

struct Seed<'a>(&'a Event);

impl Serialize for Seed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &event.message)?;
        map.serialize_entry("timestamp", &event.timestamp)?;
        map.serialize_entry("id", &event.position)?;
        map.serialize_entry("channel", &event.channel)?;
        map.serialize_entry("type", &event.event_type)?;
        if let Some(data) = &event.data {
            map.serialize_entry("data", data)?;
        }
        map.serialize_entry("priority", &event.priority)?;
        map.end()
    }
}

/// CloudEvents 1.0.2, sections 3.1 and 3.2. `source` and `id` together identify one event forever: a log's epoch is
/// part of both.
struct CloudEvent<'a>(&'a Event);

impl Serialize for CloudEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", "1.0")?;
        map.serialize_entry("id", &event.position)?;
        map.serialize_entry("source", &format_args!("/logs/{}", event.position.epoch))?;
        map.serialize_entry("type", &event.event_type)?;
        map.serialize_entry("subject", &event.channel)?;
        map.serialize_entry("time", &event.timestamp)?;
        map.serialize_entry("priority", &event.priority)?;
        map.serialize_entry("datacontenttype", "application/json")?;
        map.serialize_entry("data", &CloudEventData(event))?;
        map.end()
    }
}

struct CloudEventData<'a>(&'a Event);

impl Serialize for CloudEventData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.0.message)?;
        if let Some(data) = &self.0.data {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{BATCH_BYTES_MAX, Batch, Payload};
    use crate::event::Event;
    use crate::json::Json;
    use crate::new_event::NewEvent;
    use crate::position::{Epoch, Position};
    use crate::principal::{Door, Principal, Source};
    use crate::timestamp::Timestamp;

    fn event(message: &str, data: Option<&str>) -> Event {
        let source = Source { principal: Principal::local().name().clone(), door: Door::Http, agent: None };
        let mut event = NewEvent::new(message, source).expect("short enough");
        event.data = data.map(|data| Json::parse(data.to_owned()).expect("JSON"));
        let position = Position { epoch: Epoch::from_random(7), seq: 42 };
        event.into_event(position, Timestamp::from_micros(1_762_864_496_789_012))
    }

    #[test]
    fn the_seeds_two_members_come_first_and_as_the_seed_has_them() {
        let body = String::from_utf8(Payload::Seed.body(&event("Your message", Some("{\"n\":1.50}"))));
        assert_eq!(
            body.expect("UTF-8"),
            format!(
                r#"{{"message":"Your message","timestamp":"2025-11-11T12:34:56.789012+00:00","id":"{}-42","channel":"default","type":"info","data":{{"n":1.50}},"priority":"default"}}"#,
                Epoch::from_random(7)
            )
        );
    }

    #[test]
    fn a_cloud_event_has_what_the_standard_requires() {
        let body = Payload::CloudEvents.body(&event("hi", None));
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["specversion"], "1.0");
        assert_eq!(body["data"], json!({ "message": "hi" }));
        for required in ["id", "source", "type"] {
            assert!(body[required].as_str().is_some_and(|text| !text.is_empty()), "{required}");
        }
        for (name, value) in body.as_object().expect("an object") {
            let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            assert!(is_plain && (name == "data" || value.is_string()), "{name}");
        }
    }

    #[test]
    fn a_batch_ends_at_its_bounds_and_always_takes_one() {
        let small = event("x", None);
        let mut batch = Batch::new(Payload::Event, 3);
        assert!(batch.is_empty());
        assert_eq!([(); 4].map(|()| batch.push(&small)), [true, true, true, false]);
        let body: Vec<Value> = serde_json::from_slice(&batch.finish()).expect("an array");
        assert_eq!(body.len(), 3);
        let large = event(&"\u{1}".repeat(200 * 1024), None);
        let mut batch = Batch::new(Payload::Seed, 100);
        assert!(batch.push(&large), "alone it may be larger than a batch");
        assert!(!batch.push(&small));
        let mut batch = Batch::new(Payload::Seed, 100);
        assert!(batch.push(&small) && !batch.push(&large));
        assert!(batch.finish().len() <= BATCH_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn whatever_is_said_arrives(message in ".*", data in prop::option::of("[\"0-9]{1,3}")) {
            let data = data.filter(|data| serde_json::from_str::<Value>(data).is_ok());
            let event = event(&message, data.as_deref());
            for payload in Payload::ALL {
                prop_assert_eq!(payload.as_str().parse::<Payload>().expect("a name"), payload);
                let body: Value = serde_json::from_slice(&payload.body(&event)).expect("JSON");
                let said = if payload == Payload::CloudEvents { &body["data"]["message"] } else { &body["message"] };
                prop_assert_eq!(said.as_str(), Some(&*message));
            }
        }
    }
}
