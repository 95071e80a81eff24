//! Following the log, with any engine: every event once, in order.

use std::time::Duration;

use fanfare::engines::{self, StoreSpec};
use fanfare_core::NewEvent;
use fanfare_hub::follower::{Follow, Followed};
use fanfare_store::{Append, COMMITTED_LEN_MAX, Clock, Error, Retention, Store};
use fanfare_store_suite::harness::{event, seqs, soon};

/// Opens each engine in turn, and does the same with it.
async fn with_each(work: impl AsyncFn(Store)) {
    let directory = tempfile::tempdir().expect("a directory");
    for spec in [StoreSpec::Memory, StoreSpec::Embedded(directory.path().join("log.db"))] {
        work(engines::open(&spec, Retention::default(), Clock::default()).expect("a new store")).await;
    }
}

async fn append(store: &Store, events: Vec<NewEvent>) -> u64 {
    let appended = store.log.append(Append::new(events)).await.expect("appended");
    appended.last().expect("at least one").event.position.seq
}

async fn follow_until(follow: &mut Follow, store: &Store, last: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while follow.after() < last {
        if let Followed::Events(events) = soon(follow.next(&*store.log)).await.expect("the next events") {
            seen.extend(seqs(&events));
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_gets_every_event_once_while_others_append() {
    const TASKS: u64 = 4;
    const ROUNDS: u64 = 50;
    with_each(async |store| {
        append(&store, (0..10).map(|_| event("before")).collect()).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..TASKS {
            let store = store.clone();
            tasks.spawn(async move {
                for round in 0..ROUNDS {
                    append(&store, (0..1 + round % 3).map(|_| event("x")).collect()).await;
                }
            });
        }
        let last = 10 + TASKS * (0..ROUNDS).map(|round| 1 + round % 3).sum::<u64>();
        // One follower has followed from the start; the other starts somewhere in between, at any position.
        let mut early = Follow::new(&*store.log, Some(0));
        let begin = store.head().last;
        let mut late = Follow::new(&*store.log, Some(begin));
        assert_eq!(follow_until(&mut early, &store, last).await, (1..=last).collect::<Vec<_>>());
        assert_eq!(follow_until(&mut late, &store, last).await, (begin + 1..=last).collect::<Vec<_>>());
        soon(tasks.join_all()).await;
        store.engine.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_lags_beyond_the_queue_gets_every_event_once() {
    with_each(async |store| {
        let mut follow = Follow::new(&*store.log, None);
        let last = COMMITTED_LEN_MAX as u64 * 2 + 100;
        for _ in 0..last {
            append(&store, vec![event("x")]).await;
        }
        assert_eq!(follow_until(&mut follow, &store, last).await, (1..=last).collect::<Vec<_>>());
        let next = append(&store, vec![event("x")]).await;
        assert_eq!(follow_until(&mut follow, &store, next).await, [next]);
        store.engine.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_passes_over_a_long_run_of_events_that_expired() {
    with_each(async |store| {
        let short = |_| NewEvent { expires_in: Some(Duration::ZERO), ..event("gone") };
        let start = store.head().last;
        let mut follow = Follow::new(&*store.log, Some(start));
        for _ in 0..COMMITTED_LEN_MAX + 10 {
            append(&store, (0..100).map(short).collect()).await;
        }
        let last = append(&store, vec![event("end")]).await;
        assert_eq!(follow_until(&mut follow, &store, last).await.last(), Some(&last));
        let mut late = Follow::new(&*store.log, Some(start));
        assert_eq!(follow_until(&mut late, &store, last).await, [last]);
        store.engine.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_of_a_closed_store_ends() {
    with_each(async |store| {
        let mut follow = Follow::new(&*store.log, None);
        let followed = store.clone();
        let waiting = tokio::spawn(async move { follow.next(&*followed.log).await });
        store.engine.close().await;
        assert!(matches!(soon(waiting).await.expect("no panic"), Err(Error::Closed)));
        let mut late = Follow::new(&*store.log, None);
        assert!(matches!(soon(late.next(&*store.log)).await, Err(Error::Closed)));
    })
    .await;
}
