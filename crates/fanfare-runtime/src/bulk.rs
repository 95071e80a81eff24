//! Bulk: work that takes the processor for long, beside the threads that serve everyone.
//!
//! A thread of the runtime serves many callers in turn, so work that takes it twenty milliseconds delays all of them.
//! Bulk work runs on threads that do nothing else. The system gives them less of the processor than the threads that
//! serve: a batch that is parsed, or a page that is read, then delays nobody who asks for little.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_core::Caller;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::budget::SMALL_LEN_MAX;

/// Pieces of bulk work of one caller at a time; its others wait, and hold nothing but a request. Two keep a reader and
/// an encoder busy.
const EACH_MAX: usize = 2;

/// Begins `work` beside the runtime.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    tokio::task::spawn_blocking(|| {
        give_way();
        work()
    })
}

/// Does `work` on something that has `len` bytes: at once if it is short, because to hand it over would cost more, and
/// otherwise beside the runtime. Returns its result; never, if the runtime ends.
pub async fn run<T: Send + 'static>(len: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if len <= SMALL_LEN_MAX {
        return work();
    }
    match spawn(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => std::future::pending().await,
        },
    }
}

/// The places for bulk work of each caller; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Bulk {
    /// Guards the callers that have or wait for a place; held for one look or change.
    callers: Arc<Mutex<HashMap<Caller, Arc<Semaphore>>>>,
}

/// A place for one piece of bulk work; given to the next one on drop.
#[derive(Debug)]
pub struct Place {
    bulk: Bulk,
    caller: Caller,
    places: Option<Arc<Semaphore>>,
}

impl Bulk {
    /// Does `work` of `caller` on something that has `len` bytes, as [`run`] does; if it is long, in a place of the caller.
    pub async fn run<T: Send + 'static>(
        &self,
        caller: &Caller,
        len: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if len <= SMALL_LEN_MAX {
            return work();
        }
        let place = self.place(caller).await;
        // Work that has begun goes on if its caller hangs up, and has its place until it ends.
        let in_place = move || {
            let _place = place;
            work()
        };
        run(len, in_place).await
    }

    /// Waits for a place for bulk work of `caller`, behind its other work.
    pub async fn place(&self, caller: &Caller) -> Place {
        // Dropped after `places`, if nobody waits for this any more.
        let mut place = Place { bulk: self.clone(), caller: caller.clone(), places: None };
        let places = {
            let mut callers = self.callers();
            Arc::clone(callers.entry(caller.clone()).or_insert_with(|| Arc::new(Semaphore::new(EACH_MAX))))
        };
        // The semaphore is never closed.
        if let Ok(permit) = places.acquire().await {
            permit.forget();
        }
        place.places = Some(places);
        place
    }

    fn callers(&self) -> MutexGuard<'_, HashMap<Caller, Arc<Semaphore>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(places) = self.places.take() {
            places.add_permits(1);
        }
        let mut callers = self.bulk.callers();
        // Only the table holds those that nobody has and nobody waits for.
        if callers.get(&self.caller).is_some_and(|places| Arc::strong_count(places) == 1) {
            callers.remove(&self.caller);
        }
    }
}

/// Makes this thread one that gives way to those that serve. The runtime keeps such threads apart from its own.
#[cfg(target_os = "linux")]
fn give_way() {
    /// A tenth of the processor beside a thread that serves (sched(7), "The nice value"), so that bulk work goes on.
    const NICER: i32 = 10;
    /// The last value that there is.
    const NICE_MAX: i32 = 19;
    thread_local! {
        static GIVES_WAY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }
    if !GIVES_WAY.replace(true) {
        // On Linux, this concerns the thread alone. Where it is forbidden, all threads are equal.
        let thread = Some(rustix::thread::gettid());
        let lower = |nice: i32| rustix::process::setpriority_process(thread, (nice + NICER).min(NICE_MAX));
        let _ = rustix::process::getpriority_process(thread).and_then(lower);
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use fanfare_core::{Caller, Peer, Principal};
    use futures_util::FutureExt;

    use super::{Bulk, EACH_MAX, run};
    use crate::budget::SMALL_LEN_MAX;

    /// On one thread: work that ran there would wait for itself.
    #[tokio::test]
    async fn what_is_long_does_not_hold_up_the_runtime() {
        let (end, ends) = mpsc::channel();
        let long = run(SMALL_LEN_MAX + 1, move || ends.recv().expect("the test ends it"));
        let short = async {
            assert_eq!(run(SMALL_LEN_MAX, || "at once").await, "at once");
            end.send("in the end").expect("it waits");
        };
        let (said, ()) = tokio::join!(long, short);
        assert_eq!(said, "in the end");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn it_gives_way_and_those_that_serve_do_not() {
        let priority =
            || rustix::process::getpriority_process(Some(rustix::thread::gettid())).expect("a priority");
        let before = priority();
        let bulk = run(SMALL_LEN_MAX + 1, priority).await;
        assert_eq!((priority(), bulk), (before, (before + 10).min(19)));
    }

    #[tokio::test]
    async fn work_keeps_its_place_although_its_caller_hangs_up() {
        let (bulk, caller) = (Bulk::default(), Caller::new(&Principal::local(), None));
        let mut ends = Vec::new();
        for _ in 0..EACH_MAX {
            let (end, ended) = mpsc::channel::<()>();
            let work = move || ended.recv().is_err();
            assert!(bulk.run(&caller, SMALL_LEN_MAX + 1, work).now_or_never().is_none(), "it has begun");
            ends.push(end);
        }
        assert!(bulk.place(&caller).now_or_never().is_none(), "the callers are gone, and the work is not");
        drop(ends);
        tokio::time::timeout(Duration::from_secs(20), bulk.place(&caller)).await.expect("its turn");
    }

    #[tokio::test]
    async fn a_caller_has_few_places_and_waits_behind_itself_alone() {
        let bulk = Bulk::default();
        let [one, other] = [1, 2]
            .map(|host| Caller::new(&Principal::local(), Some(Peer::Network(([192, 0, 2, host], 1).into()))));
        let mut held = Vec::new();
        for _ in 0..EACH_MAX {
            held.push(bulk.place(&one).now_or_never().expect("a place"));
        }
        let mut next = Box::pin(bulk.place(&one));
        assert!(next.as_mut().now_or_never().is_none());
        // One that stops waiting takes nothing along.
        assert!(bulk.place(&one).now_or_never().is_none());
        drop(bulk.place(&other).now_or_never().expect("a place of another caller"));
        held.pop();
        drop(next.now_or_never().expect("its turn"));
        drop(held);
        assert!(bulk.callers().is_empty(), "callers without work are forgotten");
    }
}
