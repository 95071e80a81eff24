//! Tests of turns, with tasks that are polled by hand.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

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
fn the_runtime_hears_of_a_task_at_its_turn_and_not_when_it_is_woken() {
    let turns = Turns::new(1);
    let _other = turns.take(OTHER, async {});
    let inner: [Mutex<Option<Waker>>; 2] = Default::default();
    let steps = AtomicUsize::new(0);
    let mut tasks = inner.each_ref().map(|inner| {
        Box::pin(turns.take(
            ONE,
            poll_fn(|cx| -> Poll<()> {
                *inner.lock().unwrap() = Some(cx.waker().clone());
                if steps.fetch_add(1, Ordering::Relaxed) == 2 {
                    // It is woken during its step.
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }),
        ))
    });
    let wakes: [Arc<Wakes>; 2] = Default::default();
    let mut step = |index: usize| {
        let waker = Waker::from(Arc::clone(&wakes[index]));
        assert!(tasks[index].as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    };
    let woken = || wakes.each_ref().map(|wakes| wakes.0.load(Ordering::Relaxed));
    (0..2).for_each(&mut step);
    assert_eq!(woken(), [0, 0]);
    for _ in 0..3 {
        inner.iter().for_each(|inner| inner.lock().unwrap().as_ref().expect("a waker").wake_by_ref());
    }
    assert_eq!(woken(), [1, 0], "one turn, for one of them");
    // A task that is polled out of turn makes no step.
    step(1);
    assert_eq!(steps.load(Ordering::Relaxed), 2);
    step(0);
    assert_eq!((woken(), steps.load(Ordering::Relaxed)), ([1, 1], 3), "the first is behind the second again");
    step(1);
    assert_eq!(woken(), [2, 1]);
    step(0);
    assert_eq!((woken(), steps.load(Ordering::Relaxed)), ([2, 1], 5), "nobody has anything to do");
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

/// Each round wakes a task from another thread, at about the moment at which its step ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_is_lost() {
    const ROUNDS: u32 = 20_000;
    let turns = Turns::new(1);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..6 {
        let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
        let (answer, answered) = std::sync::mpsc::channel();
        let work = async move {
            while let Some(round) = asked.recv().await {
                answer.send(round).expect("the other side listens");
            }
        };
        tasks.spawn(turns.take(if number % 3 == 0 { OTHER } else { ONE }, work));
        tasks.spawn_blocking(move || {
            for round in 0..ROUNDS {
                sender.send(round).expect("the task listens");
                assert_eq!(answered.recv_timeout(Duration::from_secs(20)), Ok(round), "a wake was lost");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("it ends in order");
    }
}
