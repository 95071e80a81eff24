//! Turns: the threads of the runtime, shared between places.
//!
//! Tokio runs what is ready in the order in which it became ready. A place with a thousand busy connections would have a
//! thousand turns between two turns of a place with one. So only a few tasks of a place are with the runtime at a time,
//! and the others of that place wait for them here. Then what a task waits for is the work of its own place, and one step
//! of each other place. As long as there is only one place, nobody waits.

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

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
#[derive(Debug, Default)]
struct Line {
    /// All of them: a line without any is removed. Changed under the lock of the lines.
    tasks: AtomicUsize,
    /// Held for one look or change.
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Tasks that have a turn.
    running: usize,
    /// Tasks that wait for a turn, in order. A task is in it at most once; one that has ended stays until its turn comes.
    waiting: VecDeque<Weak<Seat>>,
}

/// What a waiting task is called by.
#[derive(Debug, Default)]
struct Seat {
    /// Whether the task has the turn now. Changed under the lock of the queue.
    is_called: AtomicBool,
    /// Wakes the task.
    waker: Mutex<Option<Waker>>,
}

/// A task in the line of its place.
#[derive(Debug)]
struct Member {
    places: Arc<Places>,
    place: Place,
    line: Arc<Line>,
    seat: Arc<Seat>,
    is_waiting: bool,
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
        let places = Arc::clone(&self.0);
        let line = {
            let mut lines = places.lines();
            let line = lines.entry(place).or_default();
            line.tasks.fetch_add(1, Ordering::Relaxed);
            let line = Arc::clone(line);
            places.count.store(lines.len(), Ordering::Relaxed);
            line
        };
        InTurn { work, member: Member { places, place, line, seat: Arc::default(), is_waiting: false } }
    }
}

impl Places {
    fn lines(&self) -> MutexGuard<'_, HashMap<Place, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Passes the turn of a task that has made its step on to the next one.
    fn pass(&mut self) {
        while let Some(next) = self.waiting.pop_front() {
            // Those that have ended in the meantime are left out.
            if let Some(seat) = next.upgrade() {
                seat.is_called.store(true, Ordering::Relaxed);
                seat.waker().take().into_iter().for_each(Waker::wake);
                return;
            }
        }
        self.running -= 1;
    }
}

impl Seat {
    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    /// Returns the turn if it is this task's, and otherwise waits for it. `None` if there is nobody to take turns with.
    fn turn(&mut self, cx: &Context<'_>) -> Poll<Option<Turn>> {
        if !self.is_waiting && self.places.count.load(Ordering::Relaxed) == 1 {
            return Poll::Ready(None);
        }
        let mut queue = self.line.queue();
        if self.is_waiting {
            if !self.seat.is_called.swap(false, Ordering::Relaxed) {
                *self.seat.waker() = Some(cx.waker().clone());
                return Poll::Pending;
            }
            self.is_waiting = false;
        } else if queue.running < self.places.running_max {
            queue.running += 1;
        } else {
            *self.seat.waker() = Some(cx.waker().clone());
            queue.waiting.push_back(Arc::downgrade(&self.seat));
            self.is_waiting = true;
            return Poll::Pending;
        }
        Poll::Ready(Some(Turn(Arc::clone(&self.line))))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        {
            let mut queue = self.line.queue();
            if self.seat.is_called.load(Ordering::Relaxed) {
                queue.pass();
            }
        }
        let mut lines = self.places.lines();
        if self.line.tasks.fetch_sub(1, Ordering::Relaxed) == 1 {
            lines.remove(&self.place);
            self.places.count.store(lines.len(), Ordering::Relaxed);
        }
    }
}

/// A turn; the next task has it on drop.
#[derive(Debug)]
struct Turn(Arc<Line>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.queue().pass();
    }
}

impl<F: Future> Future for InTurn<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Poll::Ready(_turn) = this.member.turn(cx) else { return Poll::Pending };
        this.work.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::{Pin, pin};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use fanfare_core::caller::Place;

    use super::{InTurn, Turns};

    const ONE: Place = Place::User(1);
    const OTHER: Place = Place::User(2);

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Makes a step of `outer`, and in the middle of it one of `inner`, as a second thread would; returns what became of
    /// the inner one.
    fn step_within<F: Future<Output = ()>>(
        turns: &Turns,
        place: Place,
        inner: Pin<&mut InTurn<F>>,
        waker: &Waker,
    ) -> Poll<()> {
        let mut inner = Some(inner);
        let mut became = None;
        {
            let outer = turns.take(
                place,
                poll_fn(|_| {
                    became = inner.take().map(|inner| inner.poll(&mut Context::from_waker(waker)));
                    Poll::Ready(())
                }),
            );
            assert!(pin!(outer).poll(&mut Context::from_waker(Waker::noop())).is_ready());
        }
        became.expect("the outer one made its step")
    }

    #[test]
    fn tasks_of_one_place_take_turns_and_those_of_others_do_not_wait_for_them() {
        let turns = Turns::new(1);
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(Arc::clone(&wakes));
        let mut own = pin!(turns.take(ONE, async {}));
        let mut other = pin!(turns.take(OTHER, async {}));
        assert!(step_within(&turns, ONE, own.as_mut(), &waker).is_pending());
        // It was woken when its turn came, and has it until it is polled.
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert!(own.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        assert!(step_within(&turns, ONE, other.as_mut(), &waker).is_ready());
    }

    #[test]
    fn without_others_nobody_waits() {
        let turns = Turns::new(1);
        let mut own = pin!(turns.take(ONE, async {}));
        assert!(step_within(&turns, ONE, own.as_mut(), Waker::noop()).is_ready());
    }

    #[test]
    fn a_task_that_ends_passes_on_its_turn_whether_it_had_it_or_waited_for_it() {
        let turns = Turns::new(1);
        let _other = turns.take(OTHER, async {});
        for is_called in [false, true] {
            let wakes = Arc::<Wakes>::default();
            let waker = Waker::from(Arc::clone(&wakes));
            let mut first = Some(Box::pin(turns.take(ONE, async {})));
            let mut second = Box::pin(turns.take(ONE, async {}));
            let both = turns.take(
                ONE,
                poll_fn(|_| {
                    let waits = first.as_mut().expect("it has not ended").as_mut();
                    assert!(waits.poll(&mut Context::from_waker(Waker::noop())).is_pending());
                    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                    if !is_called {
                        first = None;
                    }
                    Poll::Ready(())
                }),
            );
            assert!(pin!(both).poll(&mut Context::from_waker(Waker::noop())).is_ready());
            if is_called {
                assert_eq!(wakes.0.load(Ordering::Relaxed), 0, "the first one has the turn");
                first = None;
            }
            assert!(first.is_none());
            assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
            assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        }
        assert_eq!(turns.0.lines().len(), 1, "a place without tasks is forgotten");
    }
}
