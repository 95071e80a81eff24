//! Tests of outcomes that are recorded after their event was purged.

use std::sync::Arc;

use fanfare_core::Event;
use fanfare_store::{BatchSpan, DeliveryChange, Purge, Retention};

use crate::harness::{Log, Setup, extent};
use crate::hooks::{all_attempts, attempt, counts, event_of, hook, id, ids_of, of, seqs_of, waiting};

async fn start(engine: impl Setup, count: u64) -> Log {
    let log = engine.start(Retention { count, ..Retention::default() });
    for number in 0..2 {
        log.store.ledger.insert_webhook(hook(&log, number)).await.expect("registered");
    }
    log
}

async fn record(log: &Log, changes: Vec<DeliveryChange>) {
    log.store.ledger.record(Vec::new(), changes).await.expect("recorded");
}

async fn purge(log: &Log, seq: u64) {
    log.store.purge(&Purge::Event(log.at(seq))).await.expect("purged").expect("it is there");
}

/// Returns the same outcome as that of a later attempt.
fn again(change: &DeliveryChange, number: u32) -> DeliveryChange {
    match change.clone() {
        DeliveryChange::Put(mut row) => {
            row.attempts = number;
            DeliveryChange::Put(row)
        }
        DeliveryChange::Attempt(mut row) => {
            row.number = number;
            DeliveryChange::Attempt(row)
        }
        other => other,
    }
}

pub async fn a_retry_under_way_does_not_bring_back_what_was_purged_beside_the_log(engine: impl Setup) {
    let mut log = start(engine, 2).await;
    log.append(&["secret", "fine"]).await;
    let rows = [waiting(&log, 0, 1).await, waiting(&log, 1, 2).await];
    let attempts = [attempt(&log, 0, 1, false), attempt(&log, 1, 2, false)];
    record(&log, rows.to_vec()).await;
    log.append(&["x", "y"]).await;
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (3, 4));
    purge(&log, 1).await;
    // Both retries fail now, each with its attempt first.
    let changes = attempts.iter().chain(&rows).map(|change| again(change, 2)).collect();
    record(&log, changes).await;
    for _ in 0..2 {
        assert_eq!(log.store.ledger.delivery(&id(0), log.at(1)).await.expect("read"), None);
        assert_eq!((seqs_of(&log, of(0)).await, counts(&log, 0).await), (vec![], (0, 0)));
        assert_eq!((seqs_of(&log, of(1)).await, counts(&log, 1).await), (vec![2], (1, 0)));
        assert_eq!(ids_of(&log, all_attempts()).await, [1], "the attempt at the other is kept");
        log.reopen().await;
    }
    log.store.engine.close().await;
    assert_eq!(log.orphans(), 0);
}

pub async fn an_attempt_under_way_leaves_nothing_of_what_was_purged_in_the_log(engine: impl Setup) {
    let mut log = start(engine, 10).await;
    log.append(&["one", "secret", "three"]).await;
    let secret: Arc<Event> = event_of(&log, 2).await;
    let late = waiting(&log, 0, 2).await;
    purge(&log, 2).await;
    let mut batch = attempt(&log, 0, 1, false);
    if let DeliveryChange::Attempt(row) = &mut batch {
        row.last_seq = 3;
    }
    let mut others = [waiting(&log, 0, 1).await, waiting(&log, 0, 3).await];
    for one in &mut others {
        if let DeliveryChange::Put(row) = one {
            row.batch = Some(BatchSpan { first: 1, last: 3 });
        }
    }
    // A receiver can repeat what it got, so the attempt at a batch goes with any of its events.
    record(&log, [vec![batch.clone(), attempt(&log, 0, 2, false), late], others.to_vec()].concat()).await;
    assert_eq!(counts(&log, 0).await, (2, 0), "without a look at the rows");
    record(&log, vec![again(&batch, 2), attempt(&log, 0, 3, false)]).await;
    assert_eq!(ids_of(&log, all_attempts()).await, [1], "the attempt at the third alone");
    log.append(&["x"; 10]).await;
    log.sweep_all().await;
    for _ in 0..2 {
        assert_eq!(seqs_of(&log, of(0)).await, [1, 3]);
        assert_eq!(log.store.engine.health().damaged_events, 0);
        log.reopen().await;
    }
    // Nothing that is kept for the other deliveries has it.
    for row in log.store.ledger.deliveries(of(0)).await.expect("rows") {
        assert_ne!(row.event.message, secret.message);
    }
    log.store.engine.close().await;
    assert_eq!(log.orphans(), 0);
}
