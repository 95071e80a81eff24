//! The sweeper: removes data that retention no longer keeps.

use std::time::Duration;

use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

use crate::{Error, Store};

/// Interval between sweeps that find nothing to remove.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The task that removes data that retention no longer keeps.
#[derive(Debug)]
pub struct Sweeper(Store);

impl Sweeper {
    /// Creates the sweeper of `store`.
    pub fn new(store: Store) -> Sweeper {
        Sweeper(store)
    }
}

impl Work for Sweeper {
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        loop {
            match self.0.sweep().await {
                Ok(true) if stop.is_asked() => return Ok(()),
                Ok(true) => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok(false) => {}
                Err(Error::Fatal { .. } | Error::Closed) => {
                    // The store reports the reason itself; nothing is left to sweep.
                    stop.asked().await;
                    return Ok(());
                }
                // A full disk is a passing state, and deleting helps against it.
                Err(error) => tracing::warn!(%error, "retention could not be enforced"),
            }
            tokio::select! {
                () = tokio::time::sleep(SWEEP_INTERVAL) => {}
                () = stop.asked() => return Ok(()),
            }
        }
    }
}
