//! The dispatcher: one worker for each webhook, started and ended as the registry has it.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::Timestamp;
use fanfare_core::WebhookId;
use futures_util::FutureExt;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::client::dial::Dialer;
use crate::first_attempts::FirstAttempts;
use crate::recorder::Recorder;
use crate::registry::{Entry, Registry};
use crate::worker::Worker;
use fanfare_hub::Hub;
use fanfare_runtime::clock::Clock;
use fanfare_runtime::shutdown::Shutdown;
use fanfare_runtime::telemetry::Metrics;
use fanfare_store as store;
use fanfare_store::Store;

/// How often workers note how far they are when they are sent nothing: after a crash, that much of the log is looked
/// through again.
const SETTLE_INTERVAL: Duration = Duration::from_secs(30);
/// How long a worker that panicked waits before it starts again where it was.
const RESTART_AFTER: Duration = Duration::from_secs(5);

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
    /// How long a breaker stays open the first time.
    pub(super) open_first: Duration,
    /// What others compare with their clocks.
    pub(super) clock: Clock,
    pub(super) steady: Steady,
    /// Tells every worker now and then to note how far it is: one that is sent nothing is past what it does not want.
    pub(super) ticks: watch::Sender<()>,
}

/// The time of day when the gateway started, carried on by a clock that never jumps: a schedule is not shortened or
/// stretched because somebody set the clock.
#[derive(Debug, Clone, Copy)]
pub struct Steady {
    wall: Timestamp,
    instant: Instant,
}

impl Steady {
    /// Starts with the time of day.
    pub fn start(wall: Timestamp) -> Steady {
        Steady { wall, instant: Instant::now() }
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
    /// Gives the moment, by the clock on the wall: what others compare with theirs.
    pub(super) fn wall(&self) -> Timestamp {
        self.clock.now()
    }

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
        let mut ticks = tokio::time::interval(SETTLE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settled = 0;
        // Dropping one ends its worker.
        let mut running: HashMap<WebhookId, oneshot::Sender<()>> = HashMap::new();
        // Reading the rows of thousands that have none is most of the work of a start.
        let counts = self.parts.store.delivery_counts().await?.into_iter();
        let with_rows: HashSet<WebhookId> =
            counts.filter(|count| count.waiting + count.dead > 0).map(|count| count.webhook).collect();
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
            // One webhook's bad luck is not the others'. What the worker held is gone with it; the entry, which stays,
            // has a cursor behind which everything was written down.
            if let Ok(ended) = AssertUnwindSafe(working).catch_unwind().await {
                return ended;
            }
            tracing::error!(webhook = %entry.webhook().id, "a webhook's worker panicked; it is started again");
            has_rows = true;
            tokio::select! {
                () = tokio::time::sleep(RESTART_AFTER) => {}
                () = stop.asked() => return Ok(()),
            }
        }
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
