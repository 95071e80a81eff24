//! Following, until the store is closed.

use fanfare_core::Filter;
use fanfare_store::follow::FOLLOW_QUEUE_LEN;
use fanfare_store::{Error, Retention};

use crate::store_contract::harness::{Engine, event, follow_until, name, soon};

pub(super) async fn a_follower_gets_every_event_once_while_others_append(engine: Engine) {
    const TASKS: u64 = 4;
    const ROUNDS: u64 = 50;
    let log = engine.start(Retention::default());
    log.append(&["before"; 10]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let store = log.store.clone();
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let batch = (0..1 + round % 3).map(|_| event("x")).collect();
                store.append(batch).await.expect("appended");
            }
        });
    }
    let last = 10 + TASKS * (0..ROUNDS).map(|round| 1 + round % 3).sum::<u64>();
    // One has followed from the start, one begins somewhere in between, whatever that is.
    let mut early = log.store.follow(0);
    let begin = log.store.extent().last;
    let mut late = log.store.follow(begin);
    assert_eq!(follow_until(&mut early, &*log.store, last).await, (1..=last).collect::<Vec<_>>());
    assert_eq!(follow_until(&mut late, &*log.store, last).await, (begin + 1..=last).collect::<Vec<_>>());
    soon(tasks.join_all()).await;
}

pub(super) async fn a_follower_that_lags_beyond_the_queue_gets_every_event_once(engine: Engine) {
    let log = engine.start(Retention::default());
    let mut follow = log.store.follow(0);
    let last = FOLLOW_QUEUE_LEN as u64 * 2 + 100;
    for _ in 0..last {
        log.append(&["x"]).await;
    }
    assert_eq!(follow_until(&mut follow, &*log.store, last).await, (1..=last).collect::<Vec<_>>());
    let next = log.append(&["x"]).await[0];
    assert_eq!(follow_until(&mut follow, &*log.store, next).await, [next]);
}

pub(super) async fn a_follower_of_a_closed_store_ends(engine: Engine) {
    let log = engine.start(Retention::default());
    let mut follow = log.store.follow(0);
    let store = log.store.clone();
    let waiting = tokio::spawn(async move { follow.next(&*store).await });
    log.store.close().await;
    assert!(matches!(soon(waiting).await.expect("no panic"), Err(Error::Closed)));
    let mut follow = log.store.follow(0);
    assert!(matches!(soon(follow.next(&*log.store)).await, Err(Error::Closed)));
}

pub(super) async fn a_closed_store_says_so(engine: Engine) {
    let log = engine.start(Retention::default());
    let store = log.store.clone();
    let pending = tokio::spawn(async move { store.append(vec![event("x")]).await });
    log.store.close().await;
    // It came before or after: if before, it is as durable as any other.
    match soon(pending).await.expect("no panic") {
        Ok(appended) => assert_eq!(appended[0].event.position.seq, 1),
        Err(error) => assert!(matches!(error, Error::Closed), "{error}"),
    }
    assert!(matches!(log.store.append(vec![event("x")]).await, Err(Error::Closed)));
    assert!(matches!(log.store.read(log.read()).await, Err(Error::Closed)));
    assert!(matches!(log.store.seq_before(log.clock.now()).await, Err(Error::Closed)));
    assert!(matches!(log.store.channels().await, Err(Error::Closed)));
    assert!(matches!(log.store.readers().await, Err(Error::Closed)));
    assert!(matches!(log.store.open_reader(&name("a"), &Filter::all(), 0).await, Err(Error::Closed)));
    assert!(matches!(log.store.acknowledge(&name("a"), 1).await, Err(Error::Closed)));
    assert!(matches!(log.store.remove_reader(&name("a")).await, Err(Error::Closed)));
    assert!(matches!(log.store.sweep().await, Err(Error::Closed)));
    soon(log.store.close()).await;
}
