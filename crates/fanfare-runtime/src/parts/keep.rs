//! Keeps one part running, as far as the table allows.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::pulse::EndRequested;
use super::state::State;
use super::{Cause, Ends, Failure, RECOVERED_AFTER, Work};
use crate::shutdown::Shutdown;

/// Runs `work` until `stop`, or until it may not be restarted. `told` is the receiver that [`State::begin`] returned.
pub(super) async fn keep(
    state: Arc<State>,
    mut told: Option<oneshot::Receiver<()>>,
    mut work: impl Work,
    mut stop: Shutdown,
    failures: mpsc::UnboundedSender<Failure>,
) {
    let part = state.part.name.clone().into_owned();
    let mut ends = InARow::default();
    loop {
        let begun = Instant::now();
        let cause = run(&mut work, stop.clone(), told.take()).await;
        state.down();
        if stop.is_asked() {
            if !matches!(cause, Cause::Ended) {
                tracing::warn!(part, %cause, "`{part}` {cause} while it was stopping");
            }
            return;
        }
        let after = ends.pause(state.part.ends, begun.elapsed());
        let Some(after) = after else {
            tracing::error!(part, %cause, "`{part}` {cause}; the process ends");
            // No one listens any more if another part has failed before.
            let _ = failures.send(Failure { part, cause });
            return;
        };
        tracing::error!(part, %cause, "`{part}` {cause}; restarting it in {after:?}");
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = stop.asked() => return,
        }
        told = state.begin();
        state.note_restart();
    }
}

/// The number of ends in a row.
#[derive(Debug, Default)]
struct InARow(u32);

impl InARow {
    /// Counts an end after a run of `ran`; returns the pause before the part is restarted, if it may be.
    fn pause(&mut self, ends: Ends, ran: Duration) -> Option<Duration> {
        self.0 = if ran < RECOVERED_AFTER { self.0.saturating_add(1) } else { 1 };
        match ends {
            Ends::Harmless { after } => Some(after),
            Ends::Process => None,
            Ends::Restart { after, most } => (self.0 <= most).then_some(after),
        }
    }
}

/// Runs `work` once; returns why it ended.
async fn run(work: &mut impl Work, stop: Shutdown, told: Option<oneshot::Receiver<()>>) -> Cause {
    // A panic only affects the part's own state, which is made to be restarted.
    let running = AssertUnwindSafe(async { work.run(stop).await }).catch_unwind();
    let told = async {
        match told {
            Some(told) => drop(told.await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        ended = running => match ended {
            Ok(Ok(())) => Cause::Ended,
            Ok(Err(error)) if error.is::<EndRequested>() => Cause::Requested,
            Ok(Err(error)) => Cause::Failed(error),
            Err(panic) => Cause::of_panic(&*panic),
        },
        () = told => Cause::Requested,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::InARow;
    use crate::parts::{Ends, RECOVERED_AFTER};

    const PAUSE: Duration = Duration::from_secs(1);

    #[test]
    fn a_part_begins_again_as_often_as_the_table_says() {
        let restart = Ends::Restart { after: PAUSE, most: 2 };
        let short = RECOVERED_AFTER - PAUSE;
        let mut ends = InARow::default();
        assert_eq!(
            [(); 3].map(|()| ends.pause(restart, short)),
            [Some(PAUSE), Some(PAUSE), None],
            "one more in a row is too many"
        );
        let mut ends = InARow::default();
        for _ in 0..5 {
            assert_eq!(ends.pause(restart, short), Some(PAUSE));
            assert_eq!(ends.pause(restart, RECOVERED_AFTER), Some(PAUSE), "it had recovered");
        }
        let mut ends = InARow::default();
        for _ in 0..100 {
            assert_eq!(ends.pause(Ends::Harmless { after: PAUSE }, Duration::ZERO), Some(PAUSE));
        }
        assert_eq!(InARow::default().pause(Ends::Process, RECOVERED_AFTER), None);
    }
}
