//! The pulse of a thread: it reports that it is alive, and learns that it has to end.

use std::sync::Arc;
use std::time::Instant;

use super::state::State;

/// The handle with which a thread reports that it is alive, at the cost of two memory accesses.
#[derive(Debug)]
pub struct Pulse(Arc<State>);

/// The thread was told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndRequested;

impl Pulse {
    pub(super) fn new(state: Arc<State>) -> Pulse {
        Pulse(state)
    }

    /// Records that the thread is alive at `now`. Fails if it was told to end.
    pub fn beat(&self, now: Instant) -> Result<(), EndRequested> {
        self.0.beat(now);
        if self.0.take_told() { Err(EndRequested) } else { Ok(()) }
    }
}

impl std::error::Error for EndRequested {}

impl std::fmt::Display for EndRequested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it was told to end")
    }
}
