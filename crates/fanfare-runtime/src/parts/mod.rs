//! The table of parts: each part that runs, the consequence of its end, and its health.
//!
//! A program builds its parts and hands them to [`Parts`], which runs them, watches them, and restarts those that can
//! be restarted. [`Board`] shows the health of each. A part that panics has ended, like one that returns.

mod board;
mod failure;
mod keep;
mod pulse;
mod state;
mod thread;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::shutdown::{Shutdown, Trigger};

pub use board::{Board, Health, Row, are_ready};
pub use failure::{BoxError, Cause, Failure, Outcome};
pub use pulse::Pulse;

use state::State;
use thread::Thread;

/// The consequence of a part's end while it was not asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The part is restarted after a pause, as often as needed. Nothing depends on it meanwhile.
    Harmless {
        /// The pause.
        after: Duration,
    },
    /// The process must end: nothing else knows what the part knew.
    Process,
    /// The part is restarted after a pause; until then the program is not ready.
    Restart {
        /// The pause.
        after: Duration,
        /// Maximum restarts in a row. If the part ends once more, the process ends. The count starts again once the
        /// part has run for [`RECOVERED_AFTER`].
        most: u32,
    },
}

/// The time after which a part counts as recovered: the cause of its last end is not in what it starts with.
pub const RECOVERED_AFTER: Duration = Duration::from_secs(60);

/// The phase of a shutdown in which a part is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The parts that accept connections.
    Doors,
    /// The streams that events are sent on.
    Streams,
    /// The deliveries to other systems.
    Deliveries,
    /// The parts that work in the background.
    Background,
    /// The store, last.
    Store,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Phase; 5] =
        [Phase::Doors, Phase::Streams, Phase::Deliveries, Phase::Background, Phase::Store];
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The name in the log, in the metrics and on the board.
    pub name: Cow<'static, str>,
    /// The consequence of the part's end.
    pub ends: Ends,
    /// The phase in which the part is asked to stop.
    pub phase: Phase,
    /// Maximum time that the part may be silent, if it reports regularly that it is alive.
    pub pulse: Option<Duration>,
}

impl Part {
    /// Creates a row for a part that does not report that it is alive.
    pub const fn new(name: &'static str, ends: Ends, phase: Phase) -> Part {
        Part { name: Cow::Borrowed(name), ends, phase, pulse: None }
    }

    /// Returns the row of a part that reports at least every `pulse` that it is alive.
    pub const fn with_pulse(mut self, pulse: Duration) -> Part {
        self.pulse = Some(pulse);
        self
    }

    /// Returns the same row for one of several equal parts.
    pub fn named(&self, name: String) -> Part {
        Part { name: Cow::Owned(name), ..self.clone() }
    }
}

/// The work of a part. It keeps in itself everything that it needs to be restarted.
pub trait Work: Send + 'static {
    /// Runs until `stop`. An earlier return, or a panic, counts as a failure.
    fn run(&mut self, stop: Shutdown) -> impl Future<Output = Outcome> + Send;
}

/// Returns work that cannot be restarted, because it uses up what it takes. Its part has [`Ends::Process`].
pub fn once<F, R>(work: F) -> impl Work
where
    F: FnOnce(Shutdown) -> R + Send + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    Once(Some(work))
}

struct Once<F>(Option<F>);

impl<F, R> Work for Once<F>
where
    F: FnOnce(Shutdown) -> R + Send + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    async fn run(&mut self, stop: Shutdown) -> Outcome {
        let work = self.0.take().ok_or("it cannot be restarted")?;
        work(stop).await
    }
}

/// The table of running parts; cheap to clone. Dropping all clones does not stop the parts, [`Parts::stop`] does.
#[derive(Debug, Clone)]
pub struct Parts {
    board: Board,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    phases: [PhaseParts; Phase::ALL.len()],
    failures: mpsc::UnboundedSender<Failure>,
}

#[derive(Debug)]
struct PhaseParts {
    trigger: Trigger,
    stop: Shutdown,
    /// Guards the tasks; held to add one or to look whether one has ended.
    tasks: Mutex<JoinSet<()>>,
}

/// The receiver of failures that the process does not survive.
#[derive(Debug)]
pub struct Failures(mpsc::UnboundedReceiver<Failure>);

impl Failures {
    /// Waits for the next failure.
    pub async fn next(&mut self) -> Failure {
        match self.0.recv().await {
            Some(failure) => failure,
            // No part is left that could fail.
            None => std::future::pending().await,
        }
    }

    /// Returns the next failure, if there is one already.
    pub fn try_next(&mut self) -> Option<Failure> {
        self.0.try_recv().ok()
    }
}

impl Parts {
    /// Creates an empty table.
    pub fn new() -> (Parts, Failures) {
        // At most one message for each part, which then has ended.
        let (failures, failed) = mpsc::unbounded_channel();
        let phases = Phase::ALL.map(|_| {
            let (trigger, stop) = Trigger::new();
            PhaseParts { trigger, stop, tasks: Mutex::default() }
        });
        let shared = Arc::new(Shared { phases, failures });
        (Parts { board: Board::default(), shared }, Failures(failed))
    }

    /// Returns the board, which shows the health of the parts.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Returns the signal that asks the parts of `phase` to stop, for work that belongs to them.
    pub fn stop_of(&self, phase: Phase) -> Shutdown {
        self.phase(phase).stop.clone()
    }

    /// Adds a part and starts its work in a task.
    pub fn task(&self, part: Part, work: impl Work) {
        let state = State::of_task(part);
        self.start(state, work);
    }

    /// Adds a part and starts its work in a thread with its name. `run` calls [`Pulse::beat`] in each turn.
    pub fn thread<F>(&self, part: Part, run: F)
    where
        F: FnMut(Shutdown, &Pulse) -> Outcome + Send + 'static,
    {
        let state = State::of_thread(part);
        self.start(Arc::clone(&state), Thread::new(state, run));
    }

    fn start(&self, state: Arc<State>, work: impl Work) {
        let phase = self.phase(state.part.phase);
        // The part counts as up from here on, before its first step: a program that has just started is never seen as
        // not ready.
        let told = state.begin();
        self.board.add(Arc::clone(&state));
        let kept = keep::keep(state, told, work, phase.stop.clone(), self.shared.failures.clone());
        phase.tasks().spawn(kept);
    }

    /// Asks the parts of `phase` to stop.
    pub fn stop(&self, phase: Phase) {
        self.phase(phase).trigger.pull();
    }

    /// Waits until the parts of `phase` have ended, or until `deadline`; returns whether they have.
    pub async fn ended(&self, phase: Phase, deadline: Instant) -> bool {
        tokio::time::timeout_at(deadline, self.all_ended(phase)).await.is_ok()
    }

    /// Waits until the parts of `phase` have ended.
    pub async fn all_ended(&self, phase: Phase) {
        let phase = self.phase(phase);
        while std::future::poll_fn(|cx| phase.tasks().poll_join_next(cx)).await.is_some() {}
    }

    /// Cuts off the tasks of `phase`.
    pub fn cut_off(&self, phase: Phase) {
        self.phase(phase).tasks().abort_all();
    }

    fn phase(&self, phase: Phase) -> &PhaseParts {
        &self.shared.phases[phase as usize]
    }
}

impl PhaseParts {
    fn tasks(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
