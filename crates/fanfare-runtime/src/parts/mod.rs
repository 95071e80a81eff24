//! The table of what runs: each part, what its end means, and how it fares.
//!
//! A program builds its parts and hands them to [`Parts`], which runs them, watches them, and begins again the ones that
//! can. [`Board`] shows how each fares. A part that panics has ended like one that returns.

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

/// What the end of a part means while nobody has asked it to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The part begins again after a pause, as often as it takes. Nobody misses it meanwhile.
    Harmless {
        /// The pause.
        after: Duration,
    },
    /// The process has to end: nobody else knows what the part knew.
    Process,
    /// The part begins again after a pause; until then the program is not ready.
    Restart {
        /// The pause.
        after: Duration,
        /// How many times in a row. A part that ends once more has the process end. The count begins again when the
        /// part has run for [`RECOVERED_AFTER`].
        most: u32,
    },
}

/// A part that has run this long has recovered: what it ended of before was not what it begins with.
pub const RECOVERED_AFTER: Duration = Duration::from_secs(60);

/// When a part is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// With everything that takes connections.
    Doors,
    /// With the streams that events go out on.
    Streams,
    /// With what is sent to others.
    Deliveries,
    /// After all that.
    Background,
    /// Last.
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
    /// Its name, in the log, in the metrics and on the board.
    pub name: Cow<'static, str>,
    /// What its end means.
    pub ends: Ends,
    /// When it is asked to stop.
    pub phase: Phase,
    /// How long it may be silent, if it says regularly that it goes on.
    pub pulse: Option<Duration>,
}

impl Part {
    /// Makes a row for a part that does not say that it goes on.
    pub const fn new(name: &'static str, ends: Ends, phase: Phase) -> Part {
        Part { name: Cow::Borrowed(name), ends, phase, pulse: None }
    }

    /// Returns the row of a part that says at least every `pulse` that it goes on.
    pub const fn with_pulse(mut self, pulse: Duration) -> Part {
        self.pulse = Some(pulse);
        self
    }

    /// Returns the same row for one of several equal parts.
    pub fn named(&self, name: String) -> Part {
        Part { name: Cow::Owned(name), ..self.clone() }
    }
}

/// What a part does. It keeps in itself what it needs to begin again.
pub trait Work: Send + 'static {
    /// Runs until `stop`. To return earlier, or to panic, is an end that nobody asked for.
    fn run(&mut self, stop: Shutdown) -> impl Future<Output = Outcome> + Send;
}

/// Work that cannot begin again: what it takes is used up. Its part has [`Ends::Process`].
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
        let work = self.0.take().ok_or("it cannot begin again")?;
        work(stop).await
    }
}

/// Runs parts; cheap to clone. Dropping all clones does not stop them, [`Parts::stop`] does.
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

/// Hears of ends that the process does not survive.
#[derive(Debug)]
pub struct Failures(mpsc::UnboundedReceiver<Failure>);

impl Failures {
    /// Waits for the next one.
    pub async fn next(&mut self) -> Failure {
        match self.0.recv().await {
            Some(failure) => failure,
            // Nobody is left who could fail.
            None => std::future::pending().await,
        }
    }

    /// Returns the next one, if there is one already.
    pub fn try_next(&mut self) -> Option<Failure> {
        self.0.try_recv().ok()
    }
}

impl Parts {
    /// Makes an empty table.
    pub fn new() -> (Parts, Failures) {
        // One message for each part at most, which then has ended.
        let (failures, failed) = mpsc::unbounded_channel();
        let phases = Phase::ALL.map(|_| {
            let (trigger, stop) = Trigger::new();
            PhaseParts { trigger, stop, tasks: Mutex::default() }
        });
        let shared = Arc::new(Shared { phases, failures });
        (Parts { board: Board::default(), shared }, Failures(failed))
    }

    /// Returns the board, which shows how the parts fare.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Returns what the parts of `phase` are asked to stop by, for what works with them.
    pub fn stop_of(&self, phase: Phase) -> Shutdown {
        self.phase(phase).stop.clone()
    }

    /// Adds a part and begins its work, in a task.
    pub fn task(&self, part: Part, work: impl Work) {
        let state = State::of_task(part);
        self.start(state, work);
    }

    /// Adds a part and begins its work, in a thread with its name. `run` calls [`Pulse::beat`] at each turn.
    pub fn thread<F>(&self, part: Part, run: F)
    where
        F: FnMut(Shutdown, &Pulse) -> Outcome + Send + 'static,
    {
        let state = State::of_thread(part);
        self.start(Arc::clone(&state), Thread::new(state, run));
    }

    fn start(&self, state: Arc<State>, work: impl Work) {
        let phase = self.phase(state.part.phase);
        // It is up from here on, before its first step: nobody sees a program that is not ready when it has just started.
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

    /// Ends the tasks of `phase` where they are.
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
