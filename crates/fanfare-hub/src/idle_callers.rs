//! Removes the rate limits of callers that have stopped pushing, so that their memory is freed.

use std::time::Duration;

use crate::Hub;
use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

/// The interval at which idle callers are removed.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// Removes callers that have not pushed for a while.
#[derive(Debug)]
pub struct IdleCallers(Hub);

impl IdleCallers {
    /// Creates the task that removes the idle callers of `hub`.
    pub fn new(hub: Hub) -> IdleCallers {
        IdleCallers(hub)
    }
}

impl Work for IdleCallers {
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        loop {
            tokio::select! {
                () = tokio::time::sleep(FORGET_INTERVAL) => self.0.forget_idle_callers(),
                () = stop.asked() => return Ok(()),
            }
        }
    }
}
