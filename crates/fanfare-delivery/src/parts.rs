//! What workers and the verbs of doors share: the log, the client, the clocks.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::client::dial::Dialer;
use crate::counts::Counts;
use crate::first_attempts::FirstAttempts;
use crate::recorder::Recorder;
use fanfare_hub::Hub;
use fanfare_runtime::clock::Clock;
use fanfare_store::Ledger;

/// What workers share.
#[derive(Debug)]
pub struct Parts {
    pub(super) hub: Hub,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) dialer: Dialer,
    pub(super) recorder: Recorder,
    pub(super) first_attempts: Arc<FirstAttempts>,
    pub(super) counts: Counts,
    /// How long a webhook may fail without one success before it is paused.
    pub(super) failing_max: Duration,
    /// How long a breaker stays open the first time.
    pub(super) open_first: Duration,
    /// What others compare with their clocks.
    pub(super) clock: Clock,
    pub(super) steady: Steady,
    /// Tells every worker now and then to note how far it is: one that is sent nothing is past what it does not want.
    pub(super) ticks: watch::Sender<()>,
}

/// The time of day when the gateway started, carried on by a clock that never jumps: a schedule is not shortened or
/// stretched because somebody set the clock.
#[derive(Debug, Clone, Copy)]
pub struct Steady {
    wall: Timestamp,
    instant: Instant,
}

impl Steady {
    /// Starts with the time of day.
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
    /// Gives the moment, by the clock on the wall: what others compare with theirs.
    pub(super) fn wall(&self) -> Timestamp {
        self.clock.now()
    }

    /// Gives the moment, by the clock that never jumps.
    pub(super) fn now(&self) -> Timestamp {
        self.steady.now()
    }

    /// Gives when that moment is.
    pub(super) fn instant(&self, moment: Timestamp) -> Instant {
        self.steady.instant(moment)
    }
}
