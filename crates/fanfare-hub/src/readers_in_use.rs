//! Records which durable readers are in use: retention removes unused ones.

use std::time::Duration;

use crate::Hub;
use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

/// Fraction of a reader's maximum idle time that passes between two records: one that fails or is late costs no
/// reader.
const NOTES: u32 = 8;
/// Bounds on the time between two records: each writes every connected reader.
const INTERVAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(6 * 60 * 60));

/// Repeatedly records which readers are connected.
#[derive(Debug)]
pub struct ReadersInUse {
    hub: Hub,
    interval: Duration,
}

impl ReadersInUse {
    /// Creates the task for readers that are removed when they are idle for `idle_max`.
    pub fn new(hub: Hub, idle_max: Duration) -> ReadersInUse {
        ReadersInUse { hub, interval: (idle_max / NOTES).clamp(INTERVAL.0, INTERVAL.1) }
    }
}

impl Work for ReadersInUse {
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.interval) => {
                    if let Err(error) = self.hub.note_readers_in_use().await {
                        tracing::warn!(%error, "could not record which readers are in use");
                    }
                }
                () = stop.asked() => return Ok(()),
            }
        }
    }
}
