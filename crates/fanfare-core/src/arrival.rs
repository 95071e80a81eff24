//! When an event reached the log, by a clock of the log's own that never goes back.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// A moment on the clock of a log, in whole microseconds. While nobody sets the machine's clock, it is the time of day;
/// afterwards, only its differences mean anything: `since`, expiry and retention count by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arrival(i64);

impl Arrival {
    /// Creates the moment from its microseconds.
    pub const fn from_micros(micros: i64) -> Arrival {
        Arrival(micros)
    }

    /// Returns the microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the moment that is `duration` later.
    pub fn after(self, duration: Duration) -> Arrival {
        Arrival(self.0.saturating_add(micros(duration)))
    }

    /// Returns the moment that is `duration` earlier.
    pub fn before(self, duration: Duration) -> Arrival {
        Arrival(self.0.saturating_sub(micros(duration)))
    }

    /// Returns the time since `earlier`; zero if that is later.
    pub fn since(self, earlier: Arrival) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<Timestamp> for Arrival {
    /// Returns the moment at which a log that was never set agrees with the time of day.
    fn from(timestamp: Timestamp) -> Arrival {
        Arrival(timestamp.as_micros())
    }
}

/// The two times of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The time of day.
    pub timestamp: Timestamp,
    /// The time on the clock of the log; never earlier than that of the event before.
    pub arrival: Arrival,
}

impl Stamp {
    /// Returns the stamp of an earlier `arrival`; its time of day is as far from this one as the arrivals are apart.
    pub fn back_to(self, arrival: Arrival) -> Stamp {
        let apart = u64::try_from(self.arrival.as_micros() - arrival.as_micros()).unwrap_or(0);
        Stamp { timestamp: self.timestamp.before(Duration::from_micros(apart)), arrival }
    }
}

impl From<Timestamp> for Stamp {
    fn from(timestamp: Timestamp) -> Stamp {
        Stamp { timestamp, arrival: timestamp.into() }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
