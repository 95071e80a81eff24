//! How a thread says that it goes on, and hears that it is to end.

use std::sync::Arc;
use std::time::Instant;

use super::state::State;

/// Lets a thread say that it goes on, at the cost of two memory accesses.
#[derive(Debug)]
pub struct Pulse(Arc<State>);

/// The thread was told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told;

impl Pulse {
    pub(super) fn new(state: Arc<State>) -> Pulse {
        Pulse(state)
    }

    /// Notes that the thread goes on at `now`. Fails when it has been told to end.
    pub fn beat(&self, now: Instant) -> Result<(), Told> {
        self.0.beat(now);
        if self.0.take_told() { Err(Told) } else { Ok(()) }
    }
}

impl std::error::Error for Told {}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it was told to end")
    }
}
