//! The parts that workers and the verbs of doors share: the log, the client, the clocks.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::client::dial::Dialer;
use crate::counts::Counts;
use crate::first_attempts::FirstAttempts;
use crate::originals::Originals;
use crate::recorder::Recorder;
use crate::rendering::Rendering;
use fanfare_hub::Hub;
use fanfare_runtime::clock::Clock;
use fanfare_runtime::shutdown::{Shutdown, Trigger};
use fanfare_store::Ledger;

/// The parts that workers share.
#[derive(Debug)]
pub struct Parts {
    pub(super) hub: Hub,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) dialer: Dialer,
    pub(super) recorder: Recorder,
    pub(super) first_attempts: Arc<FirstAttempts>,
    pub(super) counts: Counts,
    pub(super) rendering: Rendering,
    pub(super) originals: Originals,
    /// The time that a webhook may fail without a success before it is paused.
    pub(super) failing_max: Duration,
    /// The time that a breaker stays open at first.
    pub(super) open_first: Duration,
    /// The wall clock, which other systems compare with their own.
    pub(super) clock: Clock,
    pub(super) steady: Steady,
    /// Tells every worker at intervals to record its position: a worker that sends nothing has passed events that do
    /// not match.
    pub(super) ticks: watch::Sender<()>,
    /// Pulled once the last worker has ended, at a stop.
    pub(super) finish: Trigger,
    /// Tells those waiting for an attempt that no more are made.
    pub(super) finished: Shutdown,
}

/// A clock that starts at the time of day at which the gateway started and never jumps: a change of the wall clock
/// neither shortens nor stretches a schedule.
#[derive(Debug, Clone, Copy)]
pub struct Steady {
    wall: Timestamp,
    instant: Instant,
}

impl Steady {
    /// Starts the clock at the time of day.
    pub fn start(wall: Timestamp) -> Steady {
        Steady { wall, instant: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        self.wall.after(self.instant.elapsed())
    }

    fn instant(&self, moment: Timestamp) -> Instant {
        let micros = u64::try_from(moment.as_micros() - self.wall.as_micros()).unwrap_or(0);
        self.instant + Duration::from_micros(micros)
    }
}

impl Parts {
    /// Returns the current time by the wall clock, which other systems compare with their own.
    pub(super) fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Returns the current time by the clock that never jumps.
    pub(super) fn now(&self) -> Timestamp {
        self.steady.now()
    }

    /// Returns the instant of a moment.
    pub(super) fn instant(&self, moment: Timestamp) -> Instant {
        self.steady.instant(moment)
    }
}
