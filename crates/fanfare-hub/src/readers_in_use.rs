//! Notes which durable readers are in use: retention removes those that nobody uses.

use std::time::Duration;

use crate::Hub;
use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

/// The part of the time after which an idle reader is removed that passes between two notes: one that fails, or comes late,
/// costs no reader.
const NOTES: u32 = 8;
/// Bounds on the time between two notes: each is a write of all readers that are connected.
const INTERVAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(6 * 60 * 60));

/// Notes again and again which readers are connected.
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
                        tracing::warn!(%error, "could not note which readers are in use");
                    }
                }
                () = stop.asked() => return Ok(()),
            }
        }
    }
}
