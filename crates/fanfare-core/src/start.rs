//! The starting points of subscriptions.

use std::str::FromStr;
use std::time::Duration;

use crate::code::Code;
use crate::duration;
use crate::invalid::{Invalid, shown};
use crate::position::Position;
use crate::timestamp::Timestamp;

/// The point at which a subscription starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// After a position.
    After(Position),
    /// At the oldest event that is kept.
    Earliest,
    /// At the events from now on.
    Live,
    /// At the first event at or after a moment.
    Since(Moment),
    /// After a position that cannot be read: the subscriber is told so, then receives live events.
    Unreadable,
}

/// A moment, as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A duration before now.
    Ago(Duration),
    /// This moment.
    At(Timestamp),
}

impl FromStr for Moment {
    type Err = Invalid;

    /// Parses a duration (`10m`: that long ago) or RFC 3339.
    fn from_str(text: &str) -> Result<Moment, Invalid> {
        if let Ok(duration) = duration::parse(text) {
            return Ok(Moment::Ago(duration));
        }
        text.parse().map(Moment::At).map_err(|_: Invalid| {
            Invalid::new(
                Code::InvalidTime,
                format!("`{}` is not a time", shown(text)),
                "write a duration such as `10m` (so long ago), or RFC 3339 such as `2026-11-21T08:00:00Z`",
            )
        })
    }
}

impl Start {
    /// Parses `since=`: `earliest`, a duration, or RFC 3339.
    pub fn since(text: &str) -> Result<Start, Invalid> {
        match text {
            "earliest" => Ok(Start::Earliest),
            text => text.parse().map(Start::Since).map_err(|error: Invalid| Invalid {
                fix: "write `earliest`, a duration such as `10m` (so long ago), or RFC 3339 such as \
                      `2026-11-21T08:00:00Z`"
                    .into(),
                ..error
            }),
        }
    }

    /// Parses a position that a subscriber returns with. One that cannot be read is not an error, because a browser
    /// would stop retrying: the subscriber receives a `reset`.
    pub fn after(text: &str) -> Start {
        text.parse().map_or(Start::Unreadable, Start::After)
    }
}
