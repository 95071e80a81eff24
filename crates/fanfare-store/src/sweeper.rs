//! The sweeper: removes data that retention no longer keeps, and says so.

use std::time::Duration;

use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;
use fanfare_runtime::telemetry::Metrics;
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use crate::{Error, Store, Swept};

/// Interval between sweeps that find nothing to remove.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Minimum interval between two lines in the log: under a steady load, every sweep removes something.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// The task that removes data that retention no longer keeps.
#[derive(Debug)]
pub struct Sweeper {
    store: Store,
    /// What was removed and not reported yet.
    unreported: Swept,
    /// When the last line was written.
    reported: Option<Instant>,
    /// The number of events removed since the start.
    events: Counter,
}

impl Sweeper {
    /// Creates the sweeper of `store`.
    pub fn new(store: Store, metrics: &Metrics) -> Sweeper {
        let help = "Events that retention removed";
        let events = metrics.register("events_removed", help, Counter::default());
        Sweeper { store, unreported: Swept::default(), reported: None, events }
    }

    /// Returns whether enough time has passed since the last line.
    fn is_due(&self) -> bool {
        self.reported.is_none_or(|reported| reported.elapsed() >= REPORT_INTERVAL)
    }

    /// Writes what was removed.
    fn report(&mut self) {
        let Swept { events, deliveries, attempts, readers, .. } = self.unreported;
        if events + deliveries + attempts + readers == 0 {
            return;
        }
        let first = self.store.head().first;
        tracing::info!(
            events,
            deliveries,
            attempts,
            readers,
            first,
            "retention removed what it no longer keeps"
        );
        self.unreported = Swept::default();
        self.reported = Some(Instant::now());
    }
}

impl Work for Sweeper {
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        loop {
            match self.store.sweep().await {
                Ok(swept) => {
                    self.events.inc_by(swept.events);
                    self.unreported += swept;
                    if swept.has_more {
                        if stop.is_asked() {
                            self.report();
                            return Ok(());
                        }
                        tokio::task::yield_now().await;
                        continue;
                    }
                }
                Err(Error::Fatal { .. } | Error::Closed) => {
                    // The store reports the reason itself; nothing is left to sweep.
                    stop.asked().await;
                    return Ok(());
                }
                // A full disk is a passing state, and deleting helps against it.
                Err(error) => tracing::warn!(%error, "retention could not be enforced"),
            }
            if self.is_due() {
                self.report();
            }
            tokio::select! {
                () = tokio::time::sleep(SWEEP_INTERVAL) => {}
                () = stop.asked() => {
                    self.report();
                    return Ok(());
                }
            }
        }
    }
}
