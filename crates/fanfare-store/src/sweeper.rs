//! The sweeper: removes what retention no longer keeps.

use std::time::Duration;

use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

use crate::{Error, Store};

/// How often the store is swept when there is nothing to remove.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Removes what retention no longer keeps.
#[derive(Debug)]
pub struct Sweeper(Store);

impl Sweeper {
    /// Makes the sweeper of `store`.
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
                    // The store tells that itself, with the reason; nothing is left to sweep.
                    stop.asked().await;
                    return Ok(());
                }
                // A full disk passes; deleting is what helps against it.
                Err(error) => tracing::warn!(%error, "retention could not be enforced"),
            }
            tokio::select! {
                () = tokio::time::sleep(SWEEP_INTERVAL) => {}
                () = stop.asked() => return Ok(()),
            }
        }
    }
}
