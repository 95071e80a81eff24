//! The workers that run: one for each webhook that this instance has claimed.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::WebhookId;
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::parts::Parts;
use crate::registry::Entry;
use crate::worker::{Ended, Worker};
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;
use fanfare_store::Lease;

/// The time that a worker waits after a panic before it restarts where it was.
const RESTART_AFTER: Duration = Duration::from_secs(5);

/// The workers that run.
pub(super) struct Workers {
    parts: Arc<Parts>,
    stop: Shutdown,
    tasks: JoinSet<(WebhookId, Result<(), store::Error>)>,
    /// Those in `tasks`.
    running: HashMap<WebhookId, Running>,
}

struct Running {
    lease: Lease,
    /// Ends the worker when it is dropped; `None` for one that is ending.
    end: Option<oneshot::Sender<()>>,
}

impl Workers {
    /// Creates an empty set; the workers end with `stop`.
    pub(super) fn new(parts: Arc<Parts>, stop: Shutdown) -> Workers {
        Workers { parts, stop, tasks: JoinSet::new(), running: HashMap::new() }
    }

    /// Starts the worker of a webhook, which must not have one.
    pub(super) fn start(&mut self, entry: Arc<Entry>, lease: Lease, has_rows: bool) {
        let (end, ended) = oneshot::channel();
        let id = lease.webhook.clone();
        self.running.insert(id.clone(), Running { lease: lease.clone(), end: Some(end) });
        let (parts, stop) = (Arc::clone(&self.parts), self.stop.clone());
        self.tasks.spawn(async move { (id, work(parts, entry, lease, has_rows, stop, ended).await) });
    }

    /// Returns `true` if the webhook has a worker, which may be ending.
    pub(super) fn has(&self, webhook: &WebhookId) -> bool {
        self.running.contains_key(webhook)
    }

    /// Returns the leases of the workers that are not ending.
    pub(super) fn leases(&self) -> Vec<Lease> {
        let going_on = self.running.values().filter(|running| running.end.is_some());
        going_on.map(|running| running.lease.clone()).collect()
    }

    /// Ends the worker of a webhook, and cuts its attempts off.
    pub(super) fn end(&mut self, webhook: &WebhookId) {
        if let Some(running) = self.running.get_mut(webhook) {
            running.end = None;
        }
    }

    /// Ends all workers; returns whether there were any.
    pub(super) fn end_all(&mut self) -> bool {
        let ended = self.running.values_mut().filter_map(|running| running.end.take());
        ended.count() > 0
    }

    /// Waits until a worker has ended; for ever if there is none. Fails if the store can no longer be trusted.
    /// Cancelling loses nothing.
    pub(super) async fn ended(&mut self) -> Result<(), store::Error> {
        match self.tasks.join_next().await {
            Some(Ok((webhook, outcome))) => {
                self.running.remove(&webhook);
                match outcome {
                    Ok(()) | Err(store::Error::Closed) => Ok(()),
                    Err(error) => Err(error),
                }
            }
            Some(Err(error)) => {
                Err(store::Error::Other { problem: format!("webhook worker panicked: {error}") })
            }
            None => std::future::pending().await,
        }
    }

    /// Waits until all workers have ended.
    pub(super) async fn all_ended(&mut self) -> Result<(), store::Error> {
        while !self.tasks.is_empty() {
            self.ended().await?;
        }
        Ok(())
    }
}

/// Runs one worker until it ends, the gateway stops, or the webhook is removed or lost to another instance.
async fn work(
    parts: Arc<Parts>,
    entry: Arc<Entry>,
    lease: Lease,
    mut has_rows: bool,
    mut stop: Shutdown,
    end: oneshot::Receiver<()>,
) -> Result<(), store::Error> {
    let working = async {
        loop {
            let working = async {
                let worker =
                    Worker::start(Arc::clone(&parts), Arc::clone(&entry), lease.clone(), has_rows).await?;
                worker.run(stop.clone()).await
            };
            // A panic of one webhook must not affect the others. The worker's state is lost; the entry stays, with a
            // cursor up to which everything was recorded.
            match AssertUnwindSafe(working).catch_unwind().await {
                Ok(Ok(Ended::LogReplaced)) => {
                    has_rows = true;
                    continue;
                }
                Ok(ended) => return ended.map(|_| ()),
                Err(_) => {}
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
        // Attempts in flight are cut off: nobody wants them any more, or another instance makes them.
        _ = end => Ok(()),
    }
}
