//! Parts with a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::pulse::Pulse;
use super::state::State;
use super::{Outcome, Work};
use crate::shutdown::Shutdown;

/// Work that runs `run` in a thread.
pub(super) struct Thread<F> {
    state: Arc<State>,
    /// The function; `None` while the thread has it.
    run: Option<F>,
}

impl<F: FnMut(Shutdown, &Pulse) -> Outcome + Send + 'static> Thread<F> {
    pub(super) fn new(state: Arc<State>, run: F) -> Thread<F> {
        Thread { state, run: Some(run) }
    }
}

impl<F: FnMut(Shutdown, &Pulse) -> Outcome + Send + 'static> Work for Thread<F> {
    async fn run(&mut self, stop: Shutdown) -> Outcome {
        let mut run = self.run.take().ok_or("the thread before this one was lost")?;
        let (done, mut ended) = oneshot::channel();
        let pulse = Pulse::new(Arc::clone(&self.state));
        let name = self.state.part.name.clone().into_owned();
        // The thread itself reports its end: waiting for its handle would block.
        let _handle = std::thread::Builder::new().name(name).spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| run(stop, &pulse)));
            // No one waits any more if the process is ending.
            let _ = done.send((run, outcome));
        })?;
        let mut is_reported = false;
        let (run, outcome) = loop {
            tokio::select! {
                ended = &mut ended => break ended?,
                () = pause(self.state.part.pulse) => {
                    let is_silent = self.state.is_silent();
                    if is_silent && !is_reported {
                        let part = &*self.state.part.name;
                        tracing::error!(part, "`{part}` is hanging: it gives no sign of life, but has not ended");
                    }
                    is_reported = is_silent;
                }
            }
        };
        self.run = Some(run);
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// Waits for as long as the thread may be silent; forever if there is no limit.
async fn pause(pulse: Option<Duration>) {
    match pulse {
        Some(pulse) => tokio::time::sleep(pulse).await,
        None => std::future::pending().await,
    }
}
