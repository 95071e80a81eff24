//! Events: what is pushed, immutable once appended.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::channel::Channel;
use crate::code::Code;
use crate::invalid::{Invalid, shown};
use crate::json::Json;
use crate::limits::{KEY_LEN_MAX, TYPE_LEN_MAX};
use crate::notice::NOTICE_NAMES;
use crate::position::Position;
use crate::principal::Source;
use crate::printable::is_printable;
use crate::priority::Priority;
use crate::reader::is_token;
use crate::timestamp::Timestamp;

/// An event in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log, which is its id.
    pub position: Position,
    /// When it was appended; never earlier than the event before it.
    pub timestamp: Timestamp,
    /// Where it was pushed to.
    pub channel: Channel,
    /// What kind of event it is; `type` on the wire.
    pub event_type: EventType,
    /// The text.
    pub message: Box<str>,
    /// Further data.
    pub data: Option<Json>,
    /// How much it matters.
    pub priority: Priority,
    /// A later event with the same key replaces this one for a reader that lags and conflates.
    pub key: Option<Key>,
    /// Who pushed it, through which door.
    pub source: Source,
    /// Which outlets it is for.
    pub audience: Audience,
    /// When it stops being delivered.
    pub expires: Option<Timestamp>,
}

impl Event {
    /// Says whether it is past its time at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Gives the bytes that retention counts: what the text parts take, and a fixed share for the rest.
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
            map.serialize_entry("expires", expires)?;
        }
        map.end()
    }
}

/// The kind of an event: a token of 1–64 `[A-Za-z0-9_.-]` that is not the name of a notice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// Something went wrong.
    Error,
    /// What an event has when it says nothing.
    #[default]
    Info,
    /// Any other token.
    Other(
        /// Well formed, and none of the four names of the variants: only `FromStr` makes one.
        Box<str>,
    ),
    /// Something ended well.
    Success,
    /// Something may go wrong.
    Warning,
}

impl EventType {
    /// Gives the name on the wire.
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
                format!("`{reserved}` is what the gateway itself says in a stream"),
                "use another type; `caught-up`, `closing`, `gap` and `reset` are taken",
            )),
            token if is_token(token, TYPE_LEN_MAX) => Ok(EventType::Other(token.into())),
            _ => Err(Invalid::new(
                Code::InvalidType,
                format!("`{}` is no event type", shown(text)),
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
    /// Gives the text.
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
                format!("`{}` is no key", shown(text)),
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
    /// Gives the name on the wire and in the store.
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
                Code::InvalidQuery,
                format!("`{}` is no audience", shown(text)),
                "use `all`, or `stream` for live outlets only",
            )),
        }
    }
}
