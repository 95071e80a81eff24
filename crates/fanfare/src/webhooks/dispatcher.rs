//! The dispatcher: one worker for each webhook, started and ended as the registry has it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::Timestamp;
use fanfare_core::webhook::WebhookId;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock;
use crate::hub::Hub;
use crate::shutdown::Shutdown;
use crate::store;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::webhooks::client::dial::Dialer;
use crate::webhooks::first_attempts::FirstAttempts;
use crate::webhooks::recorder::Recorder;
use crate::webhooks::registry::{Entry, Registry};
use crate::webhooks::worker::Worker;

/// What workers share.
#[derive(Debug)]
pub struct Parts {
    pub(super) hub: Hub,
    pub(super) store: Arc<dyn Store>,
    pub(super) dialer: Dialer,
    pub(super) recorder: Recorder,
    pub(super) first_attempts: Arc<FirstAttempts>,
    pub(super) metrics: Metrics,
    /// How long a webhook may fail without one success before it is paused.
    pub(super) failing_max: Duration,
    pub(super) steady: Steady,
}

/// The time of day when the gateway started, carried on by a clock that never jumps: a schedule is not shortened or
/// stretched because somebody set the clock.
#[derive(Debug, Clone, Copy)]
pub struct Steady {
    wall: Timestamp,
    instant: Instant,
}

impl Steady {
    /// Starts now.
    pub fn start() -> Steady {
        Steady { wall: clock::now(), instant: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        self.wall.after(self.instant.elapsed())
    }

    fn instant(&self, moment: Timestamp) -> Instant {
        let micros = u64::try_from(moment.as_micros() - self.wall.as_micros()).unwrap_or(0);
        self.instant + Duration::from_micros(micros)
    }
}

impl Parts {
    /// Gives the moment, by the clock that never jumps.
    pub(super) fn now(&self) -> Timestamp {
        self.steady.now()
    }

    /// Gives when that moment is.
    pub(super) fn instant(&self, moment: Timestamp) -> Instant {
        self.steady.instant(moment)
    }
}

/// Runs the workers.
#[derive(Debug)]
pub struct Dispatcher {
    parts: Arc<Parts>,
    registry: Arc<Registry>,
}

impl Dispatcher {
    /// Makes it; nothing is sent before it runs.
    pub fn new(parts: Arc<Parts>, registry: Arc<Registry>) -> Dispatcher {
        Dispatcher { parts, registry }
    }

    /// Runs a worker for each webhook until `stop` turns true and the attempts under way have ended. Fails when the
    /// store can no longer be trusted.
    pub async fn run(self, mut stop: Shutdown) -> Result<(), store::Error> {
        let mut version = self.registry.version();
        let mut workers = JoinSet::new();
        // Dropping one ends its worker.
        let mut running: HashMap<WebhookId, oneshot::Sender<()>> = HashMap::new();
        loop {
            let wanted = self.registry.list();
            running.retain(|id, _| self.registry.get(id).is_some());
            for entry in wanted {
                let id = entry.webhook().id.clone();
                if let std::collections::hash_map::Entry::Vacant(place) = running.entry(id) {
                    let (end, ended) = oneshot::channel();
                    place.insert(end);
                    workers.spawn(work(Arc::clone(&self.parts), entry, stop.clone(), ended));
                }
            }
            tokio::select! {
                _ = version.changed() => {}
                Some(ended) = workers.join_next() => outcome(ended)?,
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
    stop: Shutdown,
    removed: oneshot::Receiver<()>,
) -> Result<(), store::Error> {
    let working = async {
        let worker = Worker::start(parts, entry).await?;
        worker.run(stop).await
    };
    tokio::select! {
        done = working => done,
        // What is on its way to a webhook that was removed is cut off: nobody wants it any more.
        _ = removed => Ok(()),
    }
}

fn outcome(ended: Result<Result<(), store::Error>, tokio::task::JoinError>) -> Result<(), store::Error> {
    match ended {
        Ok(Ok(()) | Err(store::Error::Closed)) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(error) => Err(store::Error::Other { problem: format!("a webhook's worker panicked: {error}") }),
    }
}
