//! An event on its way in: checked, not yet in the log.

use std::time::Duration;

use crate::channel::Channel;
use crate::code::Code;
use crate::event::{Audience, Event, EventType, Key};
use crate::invalid::{Invalid, shown};
use crate::json::Json;
use crate::limits::{IDEMPOTENCY_KEY_LEN_MAX, MESSAGE_LEN_MAX};
use crate::position::Position;
use crate::principal::Source;
use crate::printable::is_printable;
use crate::priority::Priority;
use crate::timestamp::Timestamp;

/// The event as the pusher gave it; the store adds position and timestamp.
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
    pub fn into_event(self, position: Position, timestamp: Timestamp) -> Event {
        Event {
            position,
            timestamp,
            channel: self.channel,
            event_type: self.event_type,
            message: self.message,
            data: self.data,
            priority: self.priority,
            key: self.key,
            source: self.source,
            audience: self.audience,
            expires: self.expires_in.map(|after| timestamp.after(after)),
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
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for IdempotencyKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<IdempotencyKey, Invalid> {
        if !is_printable(text, IDEMPOTENCY_KEY_LEN_MAX) {
            return Err(Invalid::new(
                Code::InvalidIdempotencyKey,
                format!("`{}` is not a valid idempotency key", shown(text)),
                "use 1–128 bytes without control characters, such as a UUID",
            ));
        }
        Ok(IdempotencyKey(text.into()))
    }
}
