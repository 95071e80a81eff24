//! Purging: events that must no longer be readable lose their content, but keep their places.

use std::fmt;
use std::ops::AddAssign;

use fanfare_core::{Channel, Event, Position};

use crate::Log;

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

/// What a purge erases, fixed before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The events that were asked for.
    pub purge: Purge,
    /// The end of the log before the purge: what is appended to a channel later is not part of it.
    pub end: Position,
    /// The positions of an event that is purged alone.
    names: Vec<Position>,
}

impl Scope {
    /// Returns the scope of a purge that begins now.
    pub fn new(purge: Purge, log: &dyn Log) -> Scope {
        let names = match &purge {
            Purge::Channel(_) => Vec::new(),
            Purge::Event(position) => log.names(*position),
        };
        Scope { purge, end: log.head().borrow().position(), names }
    }

    /// Returns whether an event is part of the purge.
    pub fn selects(&self, event: &Event) -> bool {
        let position = event.position;
        match &self.purge {
            Purge::Channel(channel) => {
                event.channel == *channel
                    && (position.epoch != self.end.epoch || position.seq <= self.end.seq)
            }
            Purge::Event(_) => self.names.contains(&position),
        }
    }
}

/// The result of a purge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Events that lost their content.
    pub events: u64,
    /// The number by which the [count](crate::ChannelRow::events) of the channel fell: with the events that retention
    /// removed before. It stays until everything is erased, so that the purge can be repeated.
    pub uncounted: u64,
    /// Deliveries that were removed, because there is nothing left to send.
    pub deliveries: u64,
    /// Attempts that were removed: a receiver can have repeated what it got.
    pub attempts: u64,
    /// Whether the write-ahead log may still have the content, because another program reads the file.
    pub has_remains: bool,
}

impl Purged {
    /// Returns the result for the whole store; nothing if neither part had anything to purge.
    pub fn whole(of_log: Option<Purged>, of_ledger: Purged) -> Option<Purged> {
        if of_log.is_none() && of_ledger == Purged::default() {
            return None;
        }
        let mut purged = of_log.unwrap_or_default();
        purged += of_ledger;
        Some(purged)
    }
}

impl AddAssign for Purged {
    fn add_assign(&mut self, other: Purged) {
        self.events += other.events;
        self.uncounted += other.uncounted;
        self.deliveries += other.deliveries;
        self.attempts += other.attempts;
        self.has_remains |= other.has_remains;
    }
}
