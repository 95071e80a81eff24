//! Purging: events that must no longer be readable lose their content, but keep their places.

use std::fmt;
use std::ops::AddAssign;

use fanfare_core::{Channel, Position};

/// The events to purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purge {
    /// All events of a channel.
    Channel(Channel),
    /// One event.
    Event(Position),
}

impl fmt::Display for Purge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Purge::Channel(channel) => write!(f, "channel `{channel}`"),
            Purge::Event(event) => write!(f, "event `{event}`"),
        }
    }
}

/// The result of a purge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Events that lost their content.
    pub events: u64,
    /// Deliveries that were removed, because there is nothing left to send.
    pub deliveries: u64,
    /// Attempts that were removed: a receiver can have repeated what it got.
    pub attempts: u64,
    /// Whether the write-ahead log may still have the content, because another program reads the file.
    pub has_remains: bool,
}

impl AddAssign for Purged {
    fn add_assign(&mut self, other: Purged) {
        self.events += other.events;
        self.deliveries += other.deliveries;
        self.attempts += other.attempts;
        self.has_remains |= other.has_remains;
    }
}
