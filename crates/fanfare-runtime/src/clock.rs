//! The wall clock. Rules take the time as an argument; their callers read it here.

use std::fmt;
use std::sync::Arc;

use fanfare_core::Timestamp;

/// Returns the current time.
pub fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// A source of the current time, for parts that depend on it: tests pass one that they can turn.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// Creates a clock from any source of time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// Returns the current time; it may go back.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::new(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").finish_non_exhaustive()
    }
}
