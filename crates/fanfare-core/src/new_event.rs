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

/// What a pusher says; the store adds position and timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Where to.
    pub channel: Channel,
    /// What kind.
    pub event_type: EventType,
    /// The text: at most 256 KiB.
    pub message: Box<str>,
    /// Further data.
    pub data: Option<Json>,
    /// How much it matters.
    pub priority: Priority,
    /// The conflation key.
    pub key: Option<Key>,
    /// Who pushes, through which door.
    pub source: Source,
    /// Which outlets it is for.
    pub audience: Audience,
    /// How long after it was appended it stops being delivered.
    pub expires_in: Option<Duration>,
    /// A repeated one within 24 h appends nothing.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl NewEvent {
    /// Starts an event that says nothing but `message`; fails when that is too long.
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

    /// Gives it its place in the log.
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
            format!("`message` has {} bytes", message.len()),
            "use at most 262144 bytes; push the address of larger things",
        ));
    }
    Ok(message)
}

/// What makes a repeated push recognisable: 1–128 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// Gives the text.
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
                format!("`{}` is no idempotency key", shown(text)),
                "use 1–128 bytes without control characters, such as a UUID",
            ));
        }
        Ok(IdempotencyKey(text.into()))
    }
}
