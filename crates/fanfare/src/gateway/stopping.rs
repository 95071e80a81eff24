//! Stopping in order, because somebody asked for it or because a part has ended that the others cannot do without.

use std::time::Duration;

use fanfare_runtime::parts::{Failure, Failures, Phase};
use fanfare_runtime::shutdown::Shutdown;
use tokio::time::Instant;

use super::assembly::Handles;

/// How long attempts that are under way have at least when the gateway stops: a worker cuts its own off earlier.
const ATTEMPTS_END_MAX: Duration = Duration::from_secs(6);
/// How long reactors have to close streams that they were told to close at once: one turn, on a machine that is busy.
const HANG_UP_MAX: Duration = Duration::from_secs(2);

/// Waits until the gateway has to stop, and stops it.
pub(super) async fn supervise(
    handles: Handles,
    mut failures: Failures,
    mut stop: Shutdown,
    grace: Duration,
) -> Result<(), Failure> {
    let outcome = tokio::select! {
        () = stop.asked() => Ok(()),
        failure = failures.next() => Err(failure),
    };
    stop_in_order(&handles, Instant::now() + grace).await;
    // What fails while the others stop has failed, too.
    match failures.try_next() {
        Some(failure) => outcome.and(Err(failure)),
        None => outcome,
    }
}

/// Accepts no more, tells the readers to come back, writes down what deliveries came to, and closes the store.
async fn stop_in_order(handles: &Handles, deadline: Instant) {
    let Handles { parts, store, hub, reactors, .. } = handles;
    // Attempts under way end while the doors close; what they come to is written down after that.
    for phase in [Phase::Doors, Phase::Streams, Phase::Deliveries] {
        parts.stop(phase);
    }
    hub.close();
    reactors.stop();
    if !parts.ended(Phase::Streams, deadline).await {
        tracing::info!("some streams did not end in time and were cut off");
        reactors.hang_up();
        if !parts.ended(Phase::Streams, Instant::now() + HANG_UP_MAX).await {
            tracing::error!("a reactor does not end; the process goes on without it");
        }
    }
    // Each of them waits no longer than the grace.
    parts.all_ended(Phase::Doors).await;
    // Workers may wait for what cannot be written down, as with a full disk: nothing of that is lost, it is sent again
    // by the next start.
    let attempts_end = deadline.max(Instant::now() + ATTEMPTS_END_MAX);
    if !parts.ended(Phase::Deliveries, attempts_end).await {
        tracing::warn!("some deliveries were cut off at shutdown and could not be recorded");
        parts.cut_off(Phase::Deliveries);
    }
    parts.stop(Phase::Background);
    parts.all_ended(Phase::Background).await;
    parts.stop(Phase::Store);
    parts.all_ended(Phase::Store).await;
    store.engine.close().await;
}
