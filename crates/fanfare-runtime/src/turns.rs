//! Turns: the threads of the runtime, shared between places.
//!
//! Tokio runs what is ready in the order in which it became ready. A place with a thousand busy connections would have a
//! thousand turns between two turns of a place with one. So only a few tasks of a place are with the runtime at a time,
//! and the others of that place wait for them here: a task that is woken joins the line of its place, and the runtime
//! hears of it at its turn. Then what a task waits for is the work of its own place, and one step of each other place. As
//! long as there is only one place, nobody waits.

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use fanfare_core::caller::Place;
use pin_project_lite::pin_project;

/// The places that have tasks; cheap to clone.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Places>);

#[derive(Debug)]
struct Places {
    /// Tasks of one place that may be with the runtime at a time.
    running_max: usize,
    /// Guards the lines; held to find, add or remove one.
    lines: Mutex<HashMap<Place, Arc<Line>>>,
    /// Their number.
    count: AtomicUsize,
}

/// The tasks of one place.
#[derive(Debug)]
struct Line {
    places: Arc<Places>,
    place: Place,
    /// All of them: a line without any is removed. Changed under the lock of the lines.
    tasks: AtomicUsize,
    /// Held for one change, and not while a task is woken: that can end another task, which changes it as well.
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Tasks that have a turn.
    running: usize,
    /// Tasks that wait for a turn, in order. A task is in it at most once; one that has ended stays until its turn comes.
    waiting: VecDeque<Weak<Seat>>,
}

/// The place of a task in its line. It is the waker of the task's work.
#[derive(Debug)]
struct Seat {
    line: Arc<Line>,
    /// Locked for one change, also under the lock of the queue.
    state: Mutex<State>,
    /// Tells the runtime that it is the task's turn.
    task: Mutex<Option<Waker>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has nothing to do.
    Idle,
    /// It is in the line.
    Waiting,
    /// It has a turn, which it has not used yet.
    Called,
    /// It makes its step.
    Running,
    /// It makes its step, and was woken again.
    RunningAgain,
    /// It has ended.
    Ended,
}

/// A task in the line of its place; it leaves on drop.
#[derive(Debug)]
struct Member {
    seat: Arc<Seat>,
    waker: Waker,
}

pin_project! {
    /// A future that makes each of its steps in turn.
    #[derive(Debug)]
    pub struct InTurn<F> {
        #[pin]
        work: F,
        member: Member,
    }
}

impl Default for Turns {
    /// One task of each place for each thread of the runtime, so that a place that is alone in being busy keeps all of
    /// them busy.
    fn default() -> Turns {
        Turns::new(std::thread::available_parallelism().map_or(1, NonZero::get))
    }
}

impl Turns {
    fn new(running_max: usize) -> Turns {
        Turns(Arc::new(Places { running_max, lines: Mutex::default(), count: AtomicUsize::new(0) }))
    }

    /// Lets `work`, which somebody at `place` has asked for, make each of its steps in turn.
    pub fn take<F>(&self, place: Place, work: F) -> InTurn<F> {
        let line = {
            let mut lines = self.0.lines();
            let line = lines.entry(place).or_insert_with(|| {
                let (places, tasks) = (Arc::clone(&self.0), AtomicUsize::new(0));
                Arc::new(Line { places, place, tasks, queue: Mutex::default() })
            });
            line.tasks.fetch_add(1, Ordering::Relaxed);
            let line = Arc::clone(line);
            self.0.count.store(lines.len(), Ordering::Relaxed);
            line
        };
        let seat = Arc::new(Seat { line, state: Mutex::new(State::Idle), task: Mutex::default() });
        InTurn { work, member: Member { waker: Waker::from(Arc::clone(&seat)), seat } }
    }
}

impl Places {
    fn lines(&self) -> MutexGuard<'_, HashMap<Place, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Makes a change, and wakes those whose turn it then is.
    fn change(&self, change: impl FnOnce(&mut Queue)) {
        let mut next = {
            let mut queue = self.queue();
            change(&mut queue);
            queue.next(self.running_max())
        };
        while let Some(seat) = next {
            if let Some(task) = &*seat.task() {
                task.wake_by_ref();
            }
            next = self.queue().next(self.running_max());
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running_max(&self) -> usize {
        match self.places.count.load(Ordering::Relaxed) {
            1 => usize::MAX,
            _ => self.places.running_max,
        }
    }
}

impl Queue {
    /// Returns the next task, which has a turn from now on; `None` if no turn is free or nobody waits.
    fn next(&mut self, running_max: usize) -> Option<Arc<Seat>> {
        while self.running < running_max {
            let Some(seat) = self.waiting.pop_front()?.upgrade() else { continue };
            if seat.moves(State::Waiting, State::Called) {
                self.running += 1;
                return Some(seat);
            }
        }
        None
    }
}

impl Seat {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn task(&self) -> MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state if it is `from`; returns whether it was.
    fn moves(&self, from: State, to: State) -> bool {
        let mut state = self.state();
        let is_from = *state == from;
        if is_from {
            *state = to;
        }
        is_from
    }

    /// Begins a step if it is the task's turn, or a turn is free. Otherwise the task waits in the line.
    fn begin(self: &Arc<Self>) -> bool {
        if self.moves(State::Called, State::Running) {
            return true;
        }
        // It was just made, or is polled for another reason.
        let mut begins = false;
        self.line.change(|queue| {
            begins = queue.running < self.line.running_max() && self.moves(State::Idle, State::Running);
            if begins {
                queue.running += 1;
            } else if self.moves(State::Idle, State::Waiting) {
                queue.waiting.push_back(Arc::downgrade(self));
            }
        });
        begins
    }

    /// Ends a step, and passes the turn on.
    fn end(self: &Arc<Self>) {
        self.line.change(|queue| {
            queue.running -= 1;
            let mut state = self.state();
            if *state == State::RunningAgain {
                *state = State::Waiting;
                queue.waiting.push_back(Arc::downgrade(self));
            } else {
                *state = State::Idle;
            }
        });
    }
}

impl Wake for Seat {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let is_idle = {
            let mut state = self.state();
            let before = *state;
            *state = match before {
                State::Idle => State::Waiting,
                State::Running => State::RunningAgain,
                State::Waiting | State::Called | State::RunningAgain | State::Ended => before,
            };
            before == State::Idle
        };
        if is_idle {
            self.line.change(|queue| queue.waiting.push_back(Arc::downgrade(self)));
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut *self.seat.state(), State::Ended);
        // The task has this seat, which would have the task.
        self.seat.task().take();
        let line = &self.seat.line;
        if before == State::Called {
            line.change(|queue| queue.running -= 1);
        }
        let mut lines = line.places.lines();
        if line.tasks.fetch_sub(1, Ordering::Relaxed) == 1 {
            lines.remove(&line.place);
            line.places.count.store(lines.len(), Ordering::Relaxed);
        }
    }
}

/// A step of a task; the next one has its turn on drop, also after a panic.
#[derive(Debug)]
struct Step<'a>(&'a Arc<Seat>);

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<F: Future> Future for InTurn<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Member { seat, waker } = this.member;
        {
            let mut task = seat.task();
            if !task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
                *task = Some(cx.waker().clone());
            }
        }
        if !seat.begin() {
            return Poll::Pending;
        }
        let _step = Step(seat);
        this.work.poll(&mut Context::from_waker(waker))
    }
}

#[cfg(test)]
mod tests;
