//! Tests of the end of the log and of committed batches, until the store is closed.

use fanfare_core::Filter;
use fanfare_store::{Append, Batch, COMMITTED_LEN_MAX, Error, Retention};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::harness::{Setup, event, reader, seqs, soon};

/// Receives batches until `last` has come, and returns the seqs of all of them.
async fn seqs_until(committed: &mut broadcast::Receiver<Batch>, last: u64) -> Vec<u64> {
    let mut seen: Vec<u64> = Vec::new();
    while seen.last().is_none_or(|seq| *seq < last) {
        seen.extend(seqs(&soon(committed.recv()).await.expect("a batch")));
    }
    seen
}

pub async fn batches_come_in_order_and_leave_nothing_out(engine: impl Setup) {
    const TASKS: u64 = 4;
    const ROUNDS: u64 = 15;
    let log = engine.start(Retention::default());
    log.append(&["before"; 10]).await;
    let mut early = log.store.log.committed();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let store = log.store.clone();
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let batch = (0..1 + round % 3).map(|_| event("x")).collect();
                store.log.append(Append::new(batch)).await.expect("appended");
            }
        });
    }
    let last = 10 + TASKS * (0..ROUNDS).map(|round| 1 + round % 3).sum::<u64>();
    assert_eq!(seqs_until(&mut early, last).await, (11..=last).collect::<Vec<_>>());
    soon(tasks.join_all()).await;
    assert_eq!(log.store.head().last, last);
    let mut late = log.store.log.committed();
    let next = log.append(&["after"]).await[0];
    assert_eq!(seqs_until(&mut late, next).await, [next], "what was committed before does not come again");
    log.store.engine.close().await;
    assert!(matches!(soon(late.recv()).await, Err(RecvError::Closed)));
    assert!(matches!(soon(log.store.log.committed().recv()).await, Err(RecvError::Closed)));
}

pub async fn one_that_lags_is_told(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let mut committed = log.store.log.committed();
    let last = COMMITTED_LEN_MAX as u64 * 2 + 100;
    for _ in 0..last {
        log.append(&["x"]).await;
    }
    assert!(matches!(soon(committed.recv()).await, Err(RecvError::Lagged(_))));
    let seen = seqs_until(&mut committed, last).await;
    assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1), "what is left comes in order: {seen:?}");
}

pub async fn the_end_of_the_log_is_never_behind_an_answer(engine: impl Setup) {
    const TASKS: usize = 4;
    const ROUNDS: usize = 50;
    let log = engine.start(Retention { count: 20, ..Retention::default() });
    let mut head = log.store.log.head();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let store = log.store.clone();
        tasks.spawn(async move {
            for _ in 0..ROUNDS {
                let appended = store.log.append(Append::new(vec![event("x")])).await.expect("appended");
                assert!(store.head().last >= appended[0].event.position.seq);
                store.sweep().await.expect("swept");
            }
        });
    }
    let watched = async {
        let mut before = *head.borrow_and_update();
        while before.last < (TASKS * ROUNDS) as u64 {
            head.changed().await.expect("the store is open");
            let now = *head.borrow_and_update();
            assert_eq!(now.epoch, before.epoch);
            assert!(now.first >= before.first && now.last >= before.last, "{before:?} {now:?}");
            assert!(now.first <= now.last + 1, "the ends belong together: {now:?}");
            before = now;
        }
    };
    soon(watched).await;
    soon(tasks.join_all()).await;
}

pub async fn a_closed_store_says_so(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let store = log.store.clone();
    let pending = tokio::spawn(async move { store.log.append(Append::new(vec![event("x")])).await });
    log.store.engine.close().await;
    // The append came before or after the close: if before, it is as durable as any other.
    match soon(pending).await.expect("no panic") {
        Ok(appended) => assert_eq!(appended[0].event.position.seq, 1),
        Err(error) => assert!(matches!(error, Error::Closed), "{error}"),
    }
    assert!(matches!(log.store.log.append(Append::new(vec![event("x")])).await, Err(Error::Closed)));
    assert!(matches!(log.store.log.read(log.read()).await, Err(Error::Closed)));
    assert!(matches!(log.store.log.seq_before(log.store.log.now()).await, Err(Error::Closed)));
    assert!(matches!(log.store.log.channels().await, Err(Error::Closed)));
    assert!(matches!(log.store.ledger.readers().await, Err(Error::Closed)));
    assert!(matches!(
        log.store.ledger.open_reader(&reader("a"), &Filter::all(), log.at(0)).await,
        Err(Error::Closed)
    ));
    assert!(matches!(log.store.ledger.acknowledge(&reader("a"), log.at(1)).await, Err(Error::Closed)));
    assert!(matches!(log.store.ledger.remove_reader(&reader("a")).await, Err(Error::Closed)));
    assert!(matches!(log.store.sweep().await, Err(Error::Closed)));
    soon(log.store.engine.close()).await;
}
