//! The clocks. Rules take the time as an argument; their callers read it here.
//!
//! The machine's time of day can be set: by an administrator, by NTP, or by a battery that is empty. A step of it is not
//! taken at once, because what is deleted on its word is gone: see `trust`.

mod skew;
mod trust;

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use fanfare_core::Timestamp;

pub use skew::Skew;
pub use trust::STANDS_FOR;
use trust::{Change, Trust};

/// Returns the time of day, without the steps of the machine's clock that are not trusted yet.
pub fn now() -> Timestamp {
    MACHINE.now()
}

/// Returns the time of day as the machine's clock shows it, for what other systems compare with their own clocks.
pub fn wall() -> Timestamp {
    MACHINE.wall()
}

/// The clock of this machine: it has one, so every part shares what is known of it.
static MACHINE: LazyLock<Clock> = LazyLock::new(|| {
    let wall = || jiff::Timestamp::now().into();
    Clock::new(wall, steady)
});

/// Returns the time since the machine started, which nobody can set. On Linux it goes on while the machine sleeps.
fn steady() -> Duration {
    #[cfg(target_os = "linux")]
    const ID: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const ID: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    let read = rustix::time::clock_gettime(ID);
    // It starts at zero, and its nanoseconds are less than a second.
    Duration::new(read.tv_sec.unsigned_abs(), u32::try_from(read.tv_nsec).unwrap_or(0))
}

/// A source of time, for parts that depend on it: tests pass one that they can turn.
#[derive(Clone)]
pub struct Clock(Arc<Sources>);

struct Sources {
    wall: Box<dyn Fn() -> Timestamp + Send + Sync>,
    steady: Box<dyn Fn() -> Duration + Send + Sync>,
    trust: Mutex<Option<Trust>>,
}

/// The times of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The time of day, without steps that are not trusted yet.
    pub now: Timestamp,
    /// The time since some start, which never goes back.
    pub steady: Duration,
    /// The time by which the machine's clock is ahead of `now`, in microseconds; negative when it is behind.
    pub skew: i64,
}

impl Clock {
    /// Creates a clock from a time of day, which may be set, and a time that nobody sets and that never goes back.
    pub fn new(
        wall: impl Fn() -> Timestamp + Send + Sync + 'static,
        steady: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Clock {
        Clock(Arc::new(Sources { wall: Box::new(wall), steady: Box::new(steady), trust: Mutex::new(None) }))
    }

    /// Creates a clock whose time of day can be set, while the machine's own time goes on.
    pub fn with_wall(wall: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock::new(wall, steady)
    }

    /// Returns the time of day, without steps that are not trusted yet.
    pub fn now(&self) -> Timestamp {
        self.read().now
    }

    /// Returns the time of day as the machine's clock shows it.
    pub fn wall(&self) -> Timestamp {
        (self.0.wall)()
    }

    /// Reads the clock. A step is logged when it is first seen, and again when it is believed.
    pub fn read(&self) -> Reading {
        // The lock comes first, so that the readings are judged in the order in which they are made.
        let mut trust = self.0.trust.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, steady) = (self.wall(), (self.0.steady)());
        let judged = trust.get_or_insert_with(|| Trust::start(wall, steady)).judge(wall, steady);
        drop(trust);
        match judged.change {
            None => {}
            Some(Change::Stepped) => tracing::warn!(
                clock = %wall, trusted = %judged.now,
                "the machine's clock was set; events get the trusted time unless it stays so for {} min",
                STANDS_FOR.as_secs() / 60
            ),
            Some(Change::Returned) => {
                tracing::info!(clock = %wall, "the machine's clock is back at the trusted time");
            }
            Some(Change::Believed) => {
                tracing::warn!(clock = %wall, "the machine's clock was set and stayed so; it is trusted from now on");
            }
        }
        Reading { now: judged.now, steady, skew: wall.as_micros() - judged.now.as_micros() }
    }
}

impl Default for Clock {
    /// Returns the clock of this machine.
    fn default() -> Clock {
        MACHINE.clone()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").finish_non_exhaustive()
    }
}
