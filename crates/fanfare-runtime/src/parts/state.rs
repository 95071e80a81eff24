//! The state of one part that runs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::{Health, Part, Row};

/// The state of one part.
#[derive(Debug)]
pub(super) struct State {
    pub(super) part: Part,
    is_up: AtomicBool,
    restarts: AtomicU64,
    end: End,
    /// The moment that `last_beat` counts from.
    made: Instant,
    /// The time of the part's last sign of life, in milliseconds.
    last_beat: AtomicU64,
}

/// The way to end the part from outside.
#[derive(Debug)]
enum End {
    /// Drops its future. Guards the sender for the current run; held to take it.
    Task(Mutex<Option<oneshot::Sender<()>>>),
    /// Sets a flag that the thread reads at each beat.
    Thread(AtomicBool),
}

impl State {
    pub(super) fn of_task(part: Part) -> Arc<State> {
        State::new(part, End::Task(Mutex::default()))
    }

    pub(super) fn of_thread(part: Part) -> Arc<State> {
        State::new(part, End::Thread(AtomicBool::new(false)))
    }

    fn new(part: Part, end: End) -> Arc<State> {
        Arc::new(State {
            part,
            is_up: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
            end,
            made: Instant::now(),
            last_beat: AtomicU64::new(0),
        })
    }

    /// Records that a run starts. The receiver that it returns resolves when a task is told to end.
    pub(super) fn begin(&self) -> Option<oneshot::Receiver<()>> {
        self.beat(Instant::now());
        self.is_up.store(true, Ordering::Relaxed);
        match &self.end {
            End::Task(end) => {
                let (sender, receiver) = oneshot::channel();
                *end.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
                Some(receiver)
            }
            End::Thread(_) => None,
        }
    }

    /// Records that a run has ended.
    pub(super) fn down(&self) {
        self.is_up.store(false, Ordering::Relaxed);
    }

    /// Counts one more restart.
    pub(super) fn note_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends the current run.
    pub(super) fn end(&self) {
        match &self.end {
            End::Task(end) => {
                if let Some(end) = end.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    // An error means that the run has already ended.
                    let _ = end.send(());
                }
            }
            End::Thread(told) => told.store(true, Ordering::Relaxed),
        }
    }

    /// Returns, once, whether a thread has been told to end.
    pub(super) fn take_told(&self) -> bool {
        match &self.end {
            End::Task(_) => false,
            // A load costs less per turn than a swap.
            End::Thread(told) => told.load(Ordering::Relaxed) && told.swap(false, Ordering::Relaxed),
        }
    }

    /// Records a sign of life.
    pub(super) fn beat(&self, now: Instant) {
        let millis = now.saturating_duration_since(self.made).as_millis();
        self.last_beat.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns whether the part has been silent for longer than it may.
    pub(super) fn is_silent(&self) -> bool {
        let Some(limit) = self.part.pulse else { return false };
        let since = u128::from(self.last_beat.load(Ordering::Relaxed));
        self.made.elapsed().as_millis().saturating_sub(since) > limit.as_millis()
    }

    fn health(&self) -> Health {
        match self.is_up.load(Ordering::Relaxed) {
            true if self.is_silent() => Health::Silent,
            true => Health::Up,
            false => Health::Down,
        }
    }

    pub(super) fn row(&self) -> Row {
        Row {
            name: self.part.name.clone().into_owned(),
            ends: self.part.ends,
            health: self.health(),
            restarts: self.restarts.load(Ordering::Relaxed),
        }
    }
}
