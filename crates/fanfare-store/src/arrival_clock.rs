//! The clock of a log, by which `since`, expiry and retention count.
//!
//! It starts where the log ends and never goes back. While the machine's clock is right, it shows the time of day. If
//! the log has events from a later time of day, because the clock was wrong when they came, it goes on from the last of
//! them at the usual speed, so that all differences are right although the time of day is not.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fanfare_core::{Arrival, Stamp, Timestamp};
use fanfare_runtime::clock::{Clock, STANDS_FOR};

/// What part of the elapsed time a log's clock leaves out while it is ahead of the time of day, so that the two meet
/// again: too little to matter to an age, enough to make up for the drift of any machine.
const SLOWDOWN: u32 = 100;

/// The clock of a log.
#[derive(Debug)]
pub struct ArrivalClock {
    clock: Clock,
    /// The steady time at which the log was opened.
    opened: Duration,
    /// How much of the time since the log's last event passed before it was opened. Only the time of day knows of it.
    away: Duration,
    last: Mutex<Last>,
}

/// The last reading.
#[derive(Debug, Clone, Copy)]
struct Last {
    arrival: Arrival,
    steady: Duration,
}

impl ArrivalClock {
    /// Starts the clock of a log whose last event has these times; `None` if it never had one.
    pub fn start(clock: Clock, newest: Option<Stamp>) -> ArrivalClock {
        let read = clock.read();
        let arrival = match newest {
            // The log may be ahead of the time of day; what passed since its last event passed on both clocks.
            Some(Stamp { timestamp, arrival }) => arrival.after(between(timestamp, read.now)).max(arrival),
            None => read.now.into(),
        };
        let away = newest.map_or(Duration::ZERO, |newest| between(newest.timestamp, read.now));
        let last = Mutex::new(Last { arrival, steady: read.steady });
        ArrivalClock { clock, opened: read.steady, away, last }
    }

    /// Returns both times of an event that is appended now.
    pub fn stamp(&self) -> Stamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let read = self.clock.read();
        let elapsed = read.steady.saturating_sub(last.steady);
        let today = Arrival::from(read.now);
        let arrival = match last.arrival.after(elapsed) > today {
            true => last.arrival.after(elapsed - elapsed / SLOWDOWN).max(today),
            false => today,
        };
        *last = Last { arrival, steady: last.steady.max(read.steady) };
        Stamp { timestamp: read.now, arrival }
    }

    /// Returns the current time on the clock of the log.
    pub fn now(&self) -> Arrival {
        self.stamp().arrival
    }

    /// Returns the current time of day, as far as it is trusted.
    pub fn time_of_day(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the time on the clock of the log at a time of day: as long ago, or ahead, as that is now.
    pub fn at(&self, moment: Timestamp) -> Arrival {
        let Stamp { timestamp, arrival } = self.stamp();
        match moment <= timestamp {
            true => arrival.before(between(moment, timestamp)),
            false => arrival.after(between(timestamp, moment)),
        }
    }

    /// Returns the present times for deleting: the time for which the log was closed counts only once the time of day
    /// that tells of it has stood for [`STANDS_FOR`]. A clock that is wrong at a start deletes nothing.
    pub fn for_deleting(&self) -> Stamp {
        let Stamp { timestamp, arrival } = self.stamp();
        let is_settled = self.clock.read().steady.saturating_sub(self.opened) >= STANDS_FOR;
        let doubtful = if is_settled { Duration::ZERO } else { self.away };
        Stamp { timestamp: timestamp.before(doubtful), arrival: arrival.before(doubtful) }
    }
}

/// Returns the time from `earlier` to `later`; zero if that is earlier.
fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(later.as_micros() - earlier.as_micros()).unwrap_or(0))
}
