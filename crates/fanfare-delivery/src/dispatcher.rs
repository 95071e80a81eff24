//! The dispatcher: one worker for each webhook, started and stopped as the registry changes.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::WebhookId;
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::parts::Parts;
use crate::registry::{Entry, Registry};
use crate::worker::Worker;
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;

/// The interval at which idle workers record their position: after a crash, the log of that time is read again.
const SETTLE_INTERVAL: Duration = Duration::from_secs(30);
/// The time that a worker waits after a panic before it restarts where it was.
const RESTART_AFTER: Duration = Duration::from_secs(5);

/// Runs the workers.
#[derive(Debug)]
pub struct Dispatcher {
    parts: Arc<Parts>,
    registry: Arc<Registry>,
}

impl Dispatcher {
    /// Creates a dispatcher; nothing is sent before it runs.
    pub fn new(parts: Arc<Parts>, registry: Arc<Registry>) -> Dispatcher {
        Dispatcher { parts, registry }
    }

    /// Runs a worker for each webhook until `stop` turns true and the attempts in flight have ended. Fails if the store
    /// can no longer be trusted.
    pub async fn run(self, mut stop: Shutdown) -> Result<(), store::Error> {
        let mut version = self.registry.version();
        let mut workers = JoinSet::new();
        let mut ticks = tokio::time::interval(SETTLE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settled = 0;
        // Dropping a sender ends its worker.
        let mut running: HashMap<WebhookId, oneshot::Sender<()>> = HashMap::new();
        // Reading the rows of thousands of webhooks that have none would be most of the work of a start.
        let counts = self.parts.ledger.delivery_counts().await?.into_iter();
        let with_rows: HashSet<WebhookId> =
            counts.filter(|count| count.waiting + count.failed > 0).map(|count| count.webhook).collect();
        loop {
            for (id, entry) in self.registry.take_changed() {
                let Some(entry) = entry else {
                    running.remove(&id);
                    continue;
                };
                let (end, ended) = oneshot::channel();
                let has_rows = with_rows.contains(&id);
                running.insert(id, end);
                workers.spawn(work(Arc::clone(&self.parts), entry, has_rows, stop.clone(), ended));
            }
            tokio::select! {
                _ = version.changed() => {}
                Some(ended) = workers.join_next() => outcome(ended)?,
                _ = ticks.tick() => {
                    let last = self.parts.hub.extent().last;
                    if std::mem::replace(&mut settled, last) != last {
                        self.parts.ticks.send_replace(());
                    }
                }
                () = stop.asked() => break,
            }
        }
        while let Some(ended) = workers.join_next().await {
            outcome(ended)?;
        }
        Ok(())
    }
}

/// Runs one worker until it ends, the gateway stops, or the webhook is removed.
async fn work(
    parts: Arc<Parts>,
    entry: Arc<Entry>,
    mut has_rows: bool,
    mut stop: Shutdown,
    removed: oneshot::Receiver<()>,
) -> Result<(), store::Error> {
    let working = async {
        loop {
            let working = async {
                let worker = Worker::start(Arc::clone(&parts), Arc::clone(&entry), has_rows).await?;
                worker.run(stop.clone()).await
            };
            // A panic of one webhook must not affect the others. The worker's state is lost; the entry stays, with a
            // cursor up to which everything was recorded.
            if let Ok(ended) = AssertUnwindSafe(working).catch_unwind().await {
                return ended;
            }
            tracing::error!(webhook = %entry.webhook().id, "webhook worker panicked; restarting it");
            has_rows = true;
            tokio::select! {
                () = tokio::time::sleep(RESTART_AFTER) => {}
                () = stop.asked() => return Ok(()),
            }
        }
    };
    tokio::select! {
        done = working => done,
        // Attempts in flight to a webhook that was removed are cut off: they are no longer wanted.
        _ = removed => Ok(()),
    }
}

fn outcome(ended: Result<Result<(), store::Error>, tokio::task::JoinError>) -> Result<(), store::Error> {
    match ended {
        Ok(Ok(()) | Err(store::Error::Closed)) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(error) => Err(store::Error::Other { problem: format!("webhook worker panicked: {error}") }),
    }
}
