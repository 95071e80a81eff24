//! The clock on the wall. Rules take the time as an argument; whoever calls them gets it here.

use std::fmt;
use std::sync::Arc;

use fanfare_core::Timestamp;

/// Gives the present moment.
pub fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// Gives the present moment to a part that lives by it: tests bring one that they can turn.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// Takes any source of moments.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// Gives the present moment; it may go back.
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
