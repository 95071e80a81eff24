//! Events: the unit of what is pushed, immutable once appended.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::arrival::Arrival;
use crate::channel::Channel;
use crate::code::Code;
use crate::invalid::{Invalid, shown};
use crate::json::Json;
use crate::limits::{KEY_LEN_MAX, TYPE_LEN_MAX};
use crate::original::{OnWire, Original};
use crate::position::Position;
use crate::principal::Source;
use crate::printable::is_printable;
use crate::priority::Priority;
use crate::reader::is_token;
use crate::timestamp::Timestamp;

/// An event in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The place in the log, which is the event's id.
    pub position: Position,
    /// The time of day of the append. It can be earlier than that of the event before, when the machine's clock was set
    /// back: the seq is the order.
    pub timestamp: Timestamp,
    /// The time of the append on the clock of the log; never earlier than that of the event before.
    pub arrival: Arrival,
    /// The channel that the event was pushed to.
    pub channel: Channel,
    /// The kind of event; `type` on the wire.
    pub event_type: EventType,
    /// The text.
    pub message: Box<str>,
    /// Further data.
    pub data: Option<Json>,
    /// The importance of the event.
    pub priority: Priority,
    /// The conflation key: a later event with the same key replaces this one for a subscriber that lags and conflates.
    pub key: Option<Key>,
    /// The principal that pushed the event, and the door that it used.
    pub source: Source,
    /// The outlets that the event is for.
    pub audience: Audience,
    /// The time of day at which the event stops being delivered, if nobody sets the clock: it counts from the arrival.
    pub expires: Option<Timestamp>,
    /// What is known of the request that the event came in with; `None` if it was pushed.
    pub original: Option<Original>,
}

impl Event {
    /// Returns `true` if the event has expired when the clock of the log shows `now`.
    pub fn is_expired(&self, now: Arrival) -> bool {
        self.expires.is_some_and(|expires| {
            let lasts = expires.as_micros().saturating_sub(self.timestamp.as_micros());
            self.arrival.as_micros().saturating_add(lasts) <= now.as_micros()
        })
    }

    /// Returns whether the request that the event came in with is kept with it: it is the first that the request brought.
    pub fn has_original(&self) -> bool {
        self.original == Some(Original::With(self.position.seq))
    }

    /// Returns the number of bytes that the event has: the size of the text parts, and a fixed share for the rest. Retention
    /// adds its original.
    pub fn stored_len(&self) -> u64 {
        const FIXED_LEN: usize = 64;
        let data = self.data.as_ref().map_or(0, |data| data.as_str().len());
        let key = self.key.as_ref().map_or(0, |key| key.as_str().len());
        let agent = self.source.agent.as_ref().map_or(0, |agent| agent.as_str().len());
        (FIXED_LEN + self.message.len() + data + key + agent + self.event_type.as_str().len()) as u64
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.position)?;
        map.serialize_entry("channel", &self.channel)?;
        map.serialize_entry("type", &self.event_type)?;
        map.serialize_entry("message", &self.message)?;
        if let Some(data) = &self.data {
            map.serialize_entry("data", data)?;
        }
        map.serialize_entry("priority", &self.priority)?;
        if let Some(key) = &self.key {
            map.serialize_entry("key", key.as_str())?;
        }
        map.serialize_entry("timestamp", &self.timestamp)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("audience", self.audience.as_str())?;
        if let Some(expires) = &self.expires {
            map.serialize_entry("expires_at", expires)?;
        }
        if let Some(original) = self.original {
            map.serialize_entry("original", &OnWire(original, self.position))?;
        }
        map.end()
    }
}

/// The names of notices. No event may have one as its type, so that a pusher cannot imitate a notice.
pub const NOTICE_NAMES: [&str; 5] = ["caught-up", "closing", "gap", "reader-filter", "reset"];

/// The kind of an event: a token of 1–64 `[A-Za-z0-9_.-]` that is not the name of a notice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// Something went wrong.
    Error,
    /// The default type.
    #[default]
    Info,
    /// Any other token.
    Other(
        /// A well-formed token, different from the names of the four variants: only `FromStr` creates one.
        Box<str>,
    ),
    /// Something succeeded.
    Success,
    /// Something may go wrong.
    Warning,
}

impl EventType {
    /// Returns the name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            EventType::Error => "error",
            EventType::Info => "info",
            EventType::Other(token) => token,
            EventType::Success => "success",
            EventType::Warning => "warning",
        }
    }
}

impl FromStr for EventType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<EventType, Invalid> {
        match text {
            "error" => Ok(EventType::Error),
            "info" => Ok(EventType::Info),
            "success" => Ok(EventType::Success),
            "warning" => Ok(EventType::Warning),
            reserved if NOTICE_NAMES.contains(&reserved) => Err(Invalid::new(
                Code::InvalidType,
                format!("`{reserved}` is reserved for the gateway's own stream notices"),
                "use another type; `caught-up`, `closing`, `gap` and `reset` are reserved",
            )),
            token if is_token(token, TYPE_LEN_MAX) => Ok(EventType::Other(token.into())),
            _ => Err(Invalid::new(
                Code::InvalidType,
                format!("`{}` is not an event type", shown(text)),
                "use 1–64 letters, digits, `_`, `.` or `-`, such as `info` or `build.failed`",
            )),
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A conflation key: 1–128 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<str>);

impl Key {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Key, Invalid> {
        if !is_printable(text, KEY_LEN_MAX) {
            return Err(Invalid::new(
                Code::InvalidKey,
                format!("`{}` is not a valid key", shown(text)),
                "use 1–128 bytes without control characters",
            ));
        }
        Ok(Key(text.into()))
    }
}

/// The outlets that an event is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Every outlet.
    #[default]
    All,
    /// Live outlets only: no webhooks.
    Stream,
}

impl Audience {
    /// Returns the name on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Audience::All => "all",
            Audience::Stream => "stream",
        }
    }
}

impl FromStr for Audience {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Audience, Invalid> {
        match text {
            "all" => Ok(Audience::All),
            "stream" => Ok(Audience::Stream),
            _ => Err(Invalid::new(
                Code::InvalidAudience,
                format!("`{}` is not an audience", shown(text)),
                "use `all`, or `stream` for live subscribers only",
            )),
        }
    }
}
