//! An event on its way in: read from the body of a push and checked, not yet in the log.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::arrival::Stamp;
use crate::channel::Channel;
use crate::code::Code;
use crate::duration::DURATION_MAX;
use crate::event::{Audience, Event, EventType, Key};
use crate::invalid::{Invalid, shown};
use crate::json::{self, Json};
use crate::limits::{BATCH_LEN_MAX, IDEMPOTENCY_KEY_LEN_MAX, MESSAGE_LEN_MAX};
use crate::members::Members;
use crate::position::Position;
use crate::principal::Source;
use crate::printable::is_printable;
use crate::priority::Priority;

/// The event as the pusher gave it; the store adds the position and the times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The channel to push to.
    pub channel: Channel,
    /// The kind of event.
    pub event_type: EventType,
    /// The text: at most 256 KiB.
    pub message: Box<str>,
    /// Further data.
    pub data: Option<Json>,
    /// The importance of the event.
    pub priority: Priority,
    /// The conflation key.
    pub key: Option<Key>,
    /// The principal that pushes the event, and the door that it uses.
    pub source: Source,
    /// The outlets that the event is for.
    pub audience: Audience,
    /// The time after the append at which the event stops being delivered.
    pub expires_in: Option<Duration>,
    /// The idempotency key: a push that repeats it within 24 h appends nothing.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl NewEvent {
    /// Creates an event with only a `message`; fails if that is too long.
    pub fn new(message: impl Into<Box<str>>, source: Source) -> Result<NewEvent, Invalid> {
        Ok(NewEvent {
            channel: Channel::default(),
            event_type: EventType::default(),
            message: checked_message(message.into())?,
            data: None,
            priority: Priority::default(),
            key: None,
            source,
            audience: Audience::default(),
            expires_in: None,
            idempotency_key: None,
        })
    }

    /// Returns the event at its place in the log.
    pub fn into_event(self, position: Position, stamp: impl Into<Stamp>) -> Event {
        let Stamp { timestamp, arrival } = stamp.into();
        Event {
            position,
            timestamp,
            arrival,
            channel: self.channel,
            event_type: self.event_type,
            message: self.message,
            data: self.data,
            priority: self.priority,
            key: self.key,
            source: self.source,
            audience: self.audience,
            expires: self.expires_in.map(|after| timestamp.after(after)),
            original: None,
        }
    }
}

fn checked_message(message: Box<str>) -> Result<Box<str>, Invalid> {
    if message.len() > MESSAGE_LEN_MAX {
        return Err(Invalid::new(
            Code::InvalidMessage,
            format!("`message` is {} bytes long", message.len()),
            "use at most 262144 bytes; for anything larger, push a link to it",
        ));
    }
    Ok(message)
}

/// The key that identifies a repeated push: 1–128 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    text: Box<str>,
    /// The place of the event in the batch that the key names as a whole.
    place: Option<Place>,
}

/// The place of an event in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The index of the event, from 0.
    pub index: usize,
    /// Number of events in the batch.
    pub of: usize,
}

/// The prefix of the keys that are made of the ids of senders; no pusher can choose one.
const INGEST_PREFIX: &str = "ingest:";

impl IdempotencyKey {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the place of the event in the batch that the key names as a whole; `None` if it names the event.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// Reads the header `Idempotency-Key`: a key, bare or as a string of RFC 9651, section 3.3.3.
    pub fn from_header(text: &str) -> Result<IdempotencyKey, Invalid> {
        let text = text.trim_matches([' ', '\t']);
        match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\\\"", "\"").replace("\\\\", "\\").parse(),
            None => text.parse(),
        }
    }

    /// Returns the key of one delivery of another program, whose id is unique among those of its `kind`. Fails if that
    /// is not a key.
    pub fn of_delivery(kind: &str, id: &str) -> Result<IdempotencyKey, Invalid> {
        printable(&format!("{INGEST_PREFIX}{kind}:{id}"))
    }
}

fn printable(text: &str) -> Result<IdempotencyKey, Invalid> {
    if !is_printable(text, IDEMPOTENCY_KEY_LEN_MAX) {
        return Err(Invalid::new(
            Code::InvalidIdempotencyKey,
            format!("`{}` is not a valid idempotency key", shown(text)),
            "use 1–128 bytes without control characters, such as a UUID",
        ));
    }
    Ok(IdempotencyKey { text: text.into(), place: None })
}

impl std::str::FromStr for IdempotencyKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<IdempotencyKey, Invalid> {
        if text.starts_with(INGEST_PREFIX) {
            return Err(Invalid::new(
                Code::InvalidIdempotencyKey,
                format!(
                    "`{}` begins with `{INGEST_PREFIX}`, which is for what other programs deliver",
                    shown(text)
                ),
                "use another key, such as a UUID",
            ));
        }
        printable(text)
    }
}

/// An event as its members were given: each is checked, and none is required yet.
#[derive(Debug, Default)]
pub struct Draft {
    /// The text.
    pub message: Option<String>,
    /// The channel to push to.
    pub channel: Option<Channel>,
    /// The kind of event.
    pub event_type: Option<EventType>,
    /// Further data.
    pub data: Option<Json>,
    /// The importance of the event.
    pub priority: Option<Priority>,
    /// The conflation key.
    pub key: Option<Key>,
    /// The idempotency key.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The time for which it is delivered, within [`EXPIRES_IN`].
    pub expires_in: Option<Duration>,
    /// The outlets that the event is for.
    pub audience: Option<Audience>,
}

/// The bounds of `expires_in`: an event that expires at once would be delivered to nobody.
pub const EXPIRES_IN: RangeInclusive<Duration> = Duration::from_millis(1)..=DURATION_MAX;

impl Draft {
    /// Takes the members that describe what is pushed: all but `audience`.
    pub fn take(members: &mut Members<'_>) -> Result<Draft, Invalid> {
        Ok(Draft {
            message: members.coded(Code::InvalidMessage).text("message")?.flatten(),
            channel: members.coded(Code::InvalidChannel).parsed("channel", Channel::of_push)?.flatten(),
            event_type: members.coded(Code::InvalidType).parsed("type", EventType::of_push)?.flatten(),
            data: members.json("data")?.flatten(),
            priority: members.coded(Code::InvalidPriority).parsed("priority", str::parse)?.flatten(),
            key: members.coded(Code::InvalidKey).parsed("key", str::parse)?.flatten(),
            idempotency_key: members
                .coded(Code::InvalidIdempotencyKey)
                .parsed("idempotency_key", str::parse)?
                .flatten(),
            expires_in: members.duration("expires_in", &EXPIRES_IN)?.flatten(),
            audience: None,
        })
    }

    /// Returns the event; fails if it has no message, an empty one without `data`, or one that is too long.
    pub fn into_event(self, source: Source) -> Result<NewEvent, Invalid> {
        if self.message.as_deref() == Some("") && self.data.is_none() {
            let what = "`message` is empty, and there is no `data`";
            let fix = "give the text, or leave it empty only with `data`";
            return Err(Invalid::new(Code::InvalidMessage, what, fix).at("/message"));
        }
        self.into_stored(source)
    }

    /// Returns the event of a log; fails if it has no message, or one that is too long.
    fn into_stored(self, source: Source) -> Result<NewEvent, Invalid> {
        let message = self.message.ok_or_else(|| {
            Invalid::new(
                Code::InvalidMessage,
                "`message` is missing",
                "give the text as `\"message\": \"…\"`",
            )
            .at("/message")
        })?;
        Ok(NewEvent {
            channel: self.channel.unwrap_or_default(),
            event_type: self.event_type.unwrap_or_default(),
            data: self.data,
            priority: self.priority.unwrap_or_default(),
            key: self.key,
            audience: self.audience.unwrap_or_default(),
            expires_in: self.expires_in,
            idempotency_key: self.idempotency_key,
            ..NewEvent::new(message, source).map_err(|error| error.at("/message"))?
        })
    }
}

impl PushBody {
    /// Returns the events.
    pub fn into_events(self) -> Vec<NewEvent> {
        match self {
            PushBody::Batch(events) => events,
            PushBody::One(event) => vec![*event],
        }
    }

    /// Sets the key of the whole request on the events that have none of their own.
    pub fn named_by(&mut self, request: &IdempotencyKey) {
        match self {
            PushBody::One(event) => {
                event.idempotency_key.get_or_insert_with(|| request.clone());
            }
            PushBody::Batch(events) => {
                let of = events.len();
                for (index, event) in events.iter_mut().enumerate() {
                    let place = Some(Place { index, of });
                    event.idempotency_key.get_or_insert_with(|| IdempotencyKey { place, ..request.clone() });
                }
            }
        }
    }
}

/// The body of a push: the response to one event differs from that to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushBody {
    /// Several events: all or nothing.
    Batch(Vec<NewEvent>),
    /// One event.
    One(Box<NewEvent>),
}

/// Parses a JSON body: an object, or an array of 1–10,000 objects.
pub fn parse_json(body: &[u8], source: &Source) -> Result<PushBody, Invalid> {
    let body = json::without_mark(body);
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
        return parse_object("the body", body, source).map(|event| PushBody::One(Box::new(event)));
    }
    let Elements(elements) = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = format!("the body is not valid JSON at line {line} column {column}");
        Invalid::new(Code::InvalidJson, what, FIX)
    })?;
    checked_batch(
        elements.into_iter().map(|element| parse_object("an event", element.get().as_bytes(), source)),
    )
}

/// Parses newline-delimited JSON: 1–10,000 objects, one per line; empty lines are skipped.
pub fn parse_ndjson(body: &[u8], source: &Source) -> Result<PushBody, Invalid> {
    // Where files were joined, each has its mark.
    let lines = body.split(|byte| *byte == b'\n').map(json::without_mark);
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    checked_batch(lines.map(|line| parse_object("the line", line, source)))
}

const FIX: &str = "send an object such as `{\"message\": \"deployed\"}`, or an array of them";

fn checked_batch(events: impl Iterator<Item = Result<NewEvent, Invalid>>) -> Result<PushBody, Invalid> {
    let mut batch = Vec::new();
    for (index, event) in events.enumerate() {
        if index == BATCH_LEN_MAX {
            return Err(Invalid::new(
                Code::TooManyEvents,
                "the batch has more than 10000 events",
                "push at most 10000 events at once",
            ));
        }
        batch.push(event.map_err(|error| error.under(&format!("/{index}")))?);
    }
    if batch.is_empty() {
        return Err(Invalid::new(Code::EmptyBatch, "the batch has no events", "push at least one event"));
    }
    Ok(PushBody::Batch(batch))
}

/// Parses an object with the members of an event that is in a log: its message can be empty without `data`, because it was
/// accepted once, and a copy of a log has all of its events.
pub fn parse_stored(object: &[u8], source: &Source) -> Result<NewEvent, Invalid> {
    parse_draft("the event", object)?.into_stored(source.clone())
}

fn parse_object(what: &str, object: &[u8], source: &Source) -> Result<NewEvent, Invalid> {
    parse_draft(what, object)?.into_event(source.clone())
}

fn parse_draft(what: &str, object: &[u8]) -> Result<Draft, Invalid> {
    let mut members = Members::named(what, object, Code::InvalidJson, FIX)?;
    let draft = Draft::take(&mut members)?;
    let audience = members.coded(Code::InvalidAudience).parsed("audience", str::parse)?.flatten();
    members.finish().map_err(|mut error| {
        error.fix = format!("{}; put anything else in `data`", error.fix).into();
        error
    })?;
    Ok(Draft { audience, ..draft })
}

/// The elements of an array as they are written; of those that are too many, only the first.
struct Elements<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Elements<'a>, D::Error> {
        struct Array;

        impl<'de> Visitor<'de> for Array {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Elements<'de>, A::Error> {
                let mut elements = Vec::new();
                while elements.len() <= BATCH_LEN_MAX
                    && let Some(element) = array.next_element()?
                {
                    elements.push(element);
                }
                while array.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Elements(elements))
            }
        }

        deserializer.deserialize_seq(Array)
    }
}
