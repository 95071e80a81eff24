//! Stopping in order, on request or because an essential part has ended.

use std::time::Duration;

use fanfare_runtime::parts::{Failure, Failures, Phase};
use fanfare_runtime::shutdown::Shutdown;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Config;
use super::assembly::Handles;
use super::sockets::Spare;

/// Maximum time for event streams to send their last frame: a stream that takes longer is not read.
const STREAMS_END_MAX: Duration = Duration::from_secs(1);
/// Maximum time to save the outcomes of attempts when the gateway stops: a worker cuts its attempts off
/// earlier.
const ATTEMPTS_END_MAX: Duration = Duration::from_secs(6);
/// Maximum time for reactors to close their streams at once: one turn, on a busy machine.
const HANG_UP_MAX: Duration = Duration::from_secs(2);

/// How long the steps of a stop may take; cheap to clone, and can change while the gateway runs.
#[derive(Debug, Clone)]
pub struct Times {
    drain: watch::Sender<Duration>,
    grace: watch::Sender<Duration>,
}

impl Times {
    /// Returns what the configuration allows.
    pub(super) fn of(config: &Config) -> Times {
        Times {
            drain: watch::Sender::new(config.drain_time),
            grace: watch::Sender::new(config.shutdown_timeout),
        }
    }

    /// Takes the times from another configuration, for a stop that has not begun.
    pub fn set(&self, config: &Config) {
        self.drain.send_replace(config.drain_time);
        self.grace.send_replace(config.shutdown_timeout);
    }

    /// Returns the maximum duration of a stop, which is read once it begins.
    pub(super) fn grace(&self) -> watch::Receiver<Duration> {
        self.grace.subscribe()
    }
}

/// Waits until the gateway has to stop, and stops it.
pub(super) async fn supervise(
    handles: Handles,
    mut failures: Failures,
    mut leaving: Shutdown,
    spare: Spare,
    times: Times,
) -> Result<(), Failure> {
    // While it drains, everything keeps working, and `/ready` announces the stop.
    let outcome = tokio::select! {
        () = drained(&mut leaving, &times) => Ok(()),
        failure = failures.next() => Err(failure),
    };
    // Without a successor, nothing would ever accept connections that stay in the queue.
    spare.close();
    let grace = *times.grace.borrow();
    stop_in_order(&handles, Instant::now() + grace).await;
    // A part that fails while the others stop has also failed.
    match failures.try_next() {
        Some(failure) => outcome.and(Err(failure)),
        None => outcome,
    }
}

/// Waits for the request to stop, and then for the drain time.
async fn drained(leaving: &mut Shutdown, times: &Times) {
    leaving.asked().await;
    let drain = *times.drain.borrow();
    tokio::time::sleep(drain).await;
}

/// Accepts no more connections, tells subscribers to reconnect, answers the requests that have arrived, saves the
/// outcomes of deliveries, and closes the store.
async fn stop_in_order(handles: &Handles, deadline: Instant) {
    let Handles { parts, store, hub, webhooks, reactors, .. } = handles;
    // Running attempts end while the doors close; their outcomes are saved after that.
    for phase in [Phase::Doors, Phase::Streams, Phase::Deliveries] {
        parts.stop(phase);
    }
    hub.close();
    reactors.stop();
    let streams_end = deadline.min(Instant::now() + STREAMS_END_MAX);
    if !parts.ended(Phase::Streams, streams_end).await {
        tracing::info!("some streams did not end in time and were cut off");
        reactors.hang_up();
        if !parts.ended(Phase::Streams, Instant::now() + HANG_UP_MAX).await {
            tracing::error!("a reactor does not end; the process continues without it");
        }
    }
    // Each of them waits no longer than the grace.
    parts.all_ended(Phase::Doors).await;
    hub.refuse_pushes();
    // Workers may wait for a save that is impossible, as with a full disk: nothing is lost, because the next start
    // sends it again.
    let attempts_end = deadline.max(Instant::now() + ATTEMPTS_END_MAX);
    if !parts.ended(Phase::Deliveries, attempts_end).await {
        tracing::warn!("some deliveries were cut off at shutdown and could not be recorded");
        parts.cut_off(Phase::Deliveries);
    }
    webhooks.end_purge(deadline).await;
    parts.stop(Phase::Background);
    parts.all_ended(Phase::Background).await;
    parts.stop(Phase::Store);
    parts.all_ended(Phase::Store).await;
    store.engine.close().await;
}
