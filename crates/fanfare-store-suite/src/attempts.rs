//! Tests of the records of attempts.

use std::time::Duration;

use fanfare_store::{ATTEMPTS_MAX, AttemptFilter, AttemptRow, DeliveryChange, ReadAttempts, Retention};

use crate::harness::{Log, Setup};
use crate::hooks::{all_attempts, attempt, hook, id, ids_of};

async fn start(engine: impl Setup, retention: Retention) -> Log {
    let log = engine.start(retention);
    for number in 0..3 {
        log.store.ledger.insert_webhook(hook(&log, number)).await.expect("registered");
    }
    log.append(&["x"; 9]).await;
    log
}

pub async fn an_attempt_comes_back_as_it_was_recorded(engine: impl Setup) {
    let mut log = start(engine, Retention::default()).await;
    let row = AttemptRow {
        id: 77,
        webhook: id(1),
        position: log.at(4),
        last_seq: 9,
        number: 3,
        at: log.clock.now(),
        is_delivered: false,
        status: None,
        outcome: "timeout".into(),
        detail: "{\"answer\":\"a\\u0000ä\"}".into(),
    };
    let changes = vec![attempt(&log, 0, 1, true), DeliveryChange::Attempt(row.clone())];
    log.store.ledger.record(Vec::new(), changes).await.expect("recorded");
    log.reopen().await;
    let rows = log.store.ledger.attempts(all_attempts()).await.expect("rows");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], AttemptRow { id: rows[0].id, ..row }, "the newest first");
    assert!(rows[0].id > rows[1].id);
    assert_eq!(log.store.ledger.attempt(rows[0].id).await.expect("read").as_ref(), Some(&rows[0]));
    assert_eq!(log.store.ledger.attempt(77).await.expect("read"), None, "the store gives the ids");
    assert_eq!(log.store.ledger.attempt(u64::MAX).await.expect("read"), None);
}

pub async fn attempts_are_chosen_and_read_page_by_page(engine: impl Setup) {
    let log = start(engine, Retention::default()).await;
    let outcomes: Vec<_> = (0..60).map(|index| (index % 3, index as u64 % 4 + 1, index % 5 == 0)).collect();
    for part in outcomes.chunks(20) {
        let changes = part.iter().map(|(webhook, seq, delivered)| attempt(&log, *webhook, *seq, *delivered));
        log.store.ledger.record(Vec::new(), changes.collect()).await.expect("recorded");
        log.clock.turn(Duration::from_secs(1));
    }
    let ids = ids_of(&log, all_attempts()).await;
    assert!(ids.windows(2).all(|pair| pair[0] > pair[1]));
    for webhook in [None, Some(0), Some(2), Some(9)] {
        for seq in [None, Some(1), Some(4), Some(99), Some(u64::MAX)] {
            for delivered in [None, Some(true), Some(false)] {
                let is_wanted = |outcome: &(usize, u64, bool)| {
                    webhook.is_none_or(|webhook| webhook == outcome.0)
                        && seq.is_none_or(|seq| seq == outcome.1)
                        && delivered.is_none_or(|delivered| delivered == outcome.2)
                };
                let wanted = outcomes.iter().rev().zip(&ids).filter(|(outcome, _)| is_wanted(outcome));
                let expected: Vec<u64> = wanted.map(|(_, id)| *id).collect();
                let mut read = ReadAttempts {
                    webhook: webhook.map(id),
                    seq,
                    filter: AttemptFilter { delivered, ..AttemptFilter::default() },
                    limit: 7,
                    ..all_attempts()
                };
                let mut seen = Vec::new();
                loop {
                    let page = ids_of(&log, read.clone()).await;
                    let Some(last) = page.last() else { break };
                    assert!(page.len() <= 7);
                    read.before = Some(*last);
                    seen.extend(page);
                }
                assert_eq!(seen, expected, "{webhook:?} {seq:?} {delivered:?}");
            }
        }
    }
    let by = |filter| ReadAttempts { filter, ..all_attempts() };
    let rows = log.store.ledger.attempts(all_attempts()).await.expect("rows");
    for filter in [
        AttemptFilter { status: Some(200), ..AttemptFilter::default() },
        AttemptFilter { status: Some(500), ..AttemptFilter::default() },
        AttemptFilter { outcome: Some("timeout".into()), ..AttemptFilter::default() },
        AttemptFilter { outcome: Some("timeout".into()), delivered: Some(true), ..AttemptFilter::default() },
        AttemptFilter { since: Some(rows[30].at), ..AttemptFilter::default() },
        AttemptFilter { until: Some(rows[30].at), ..AttemptFilter::default() },
    ] {
        let expected: Vec<_> =
            rows.iter().filter(|row| filter.takes(row.facts())).map(|row| row.id).collect();
        assert_eq!(ids_of(&log, by(filter.clone())).await, expected, "{filter:?}");
    }
    assert_eq!(ids_of(&log, ReadAttempts { limit: 0, ..all_attempts() }).await, ids[..1], "at least one");
    assert_eq!(ids_of(&log, ReadAttempts { before: Some(0), ..all_attempts() }).await, [0u64; 0]);
}

pub async fn a_page_of_large_attempts_ends_early(engine: impl Setup) {
    let log = start(engine, Retention::default()).await;
    let large = |_| match attempt(&log, 0, 1, false) {
        DeliveryChange::Attempt(row) => {
            DeliveryChange::Attempt(AttemptRow { detail: "x".repeat(300_000).into(), ..row })
        }
        other => other,
    };
    log.store.ledger.record(Vec::new(), (0..5).map(large).collect()).await.expect("recorded");
    let first = ids_of(&log, all_attempts()).await;
    let second = ids_of(&log, ReadAttempts { before: first.last().copied(), ..all_attempts() }).await;
    assert_eq!((first.len(), second.len()), (3, 2));
}

pub async fn attempts_are_forgotten_by_age(engine: impl Setup) {
    let hour = Duration::from_secs(60 * 60);
    let mut log = start(engine, Retention { attempts: hour, ..Retention::default() }).await;
    let many = |count| (0..count).map(|_| attempt(&log, 0, 1, false)).collect::<Vec<_>>();
    log.store.ledger.record(Vec::new(), many(1_200)).await.expect("recorded");
    log.clock.turn(hour / 2);
    log.store.ledger.record(Vec::new(), vec![attempt(&log, 1, 2, true)]).await.expect("recorded");
    let newest = ids_of(&log, ReadAttempts { limit: 1, ..all_attempts() }).await;
    log.clock.turn(hour / 2);
    log.sweep_all().await;
    let left = ids_of(&log, ReadAttempts { limit: 5_000, ..all_attempts() }).await.len();
    assert_eq!(left, 1_201, "exactly an hour old is not too old");
    log.clock.turn(Duration::from_micros(1));
    assert!(log.store.sweep().await.expect("swept").has_more, "there is more to forget");
    let left = ids_of(&log, ReadAttempts { limit: 5_000, ..all_attempts() }).await.len();
    assert!(1 < left && left < 1_201, "{left}");
    log.sweep_all().await;
    assert_eq!(ids_of(&log, all_attempts()).await, newest);

    // An id is not used again, even if no row is left.
    log.clock.turn(hour);
    log.sweep_all().await;
    assert_eq!(ids_of(&log, all_attempts()).await, [0u64; 0]);
    log.reopen().await;
    log.store.ledger.record(Vec::new(), vec![attempt(&log, 0, 1, true)]).await.expect("recorded");
    assert!(ids_of(&log, all_attempts()).await[0] > newest[0]);
}

pub async fn attempts_are_forgotten_by_count(engine: impl Setup) {
    const MORE: usize = 700;
    let mut log = start(engine, Retention::default()).await;
    for _ in 0..ATTEMPTS_MAX / 10_000 {
        let changes = (0..10_000).map(|_| attempt(&log, 0, 1, false)).collect();
        log.store.ledger.record(Vec::new(), changes).await.expect("recorded");
    }
    let oldest = ReadAttempts {
        filter: AttemptFilter { delivered: Some(true), ..AttemptFilter::default() },
        ..all_attempts()
    };
    let marked = (0..MORE).map(|_| attempt(&log, 1, 2, true)).collect();
    log.store.ledger.record(Vec::new(), marked).await.expect("recorded");
    let first = ids_of(&log, oldest.clone()).await[MORE - 1] - ATTEMPTS_MAX;
    assert!(log.store.ledger.attempt(first).await.expect("read").is_some());
    log.reopen().await;
    log.sweep_all().await;
    assert!(log.store.ledger.attempt(first + MORE as u64 - 1).await.expect("read").is_none());
    assert!(
        log.store.ledger.attempt(first + MORE as u64).await.expect("read").is_some(),
        "no more than those"
    );
    assert_eq!(ids_of(&log, oldest).await.len(), MORE);
}

pub async fn the_attempts_of_a_removed_webhook_are_gone(engine: impl Setup) {
    let mut log = start(engine, Retention::default()).await;
    let mine = (0..1_200).map(|_| attempt(&log, 0, 1, false));
    let changes = mine.chain([attempt(&log, 1, 1, false)]).collect();
    log.store.ledger.record(Vec::new(), changes).await.expect("recorded");
    let kept = ids_of(&log, ReadAttempts { limit: 1, ..all_attempts() }).await;
    assert!(log.store.ledger.remove_webhook(&id(0)).await.expect("asked"));
    for _ in 0..2 {
        assert_eq!(ids_of(&log, all_attempts()).await, kept);
        assert_eq!(ids_of(&log, ReadAttempts { seq: Some(1), ..all_attempts() }).await, kept);
        assert_eq!(ids_of(&log, ReadAttempts { webhook: Some(id(0)), ..all_attempts() }).await, [0u64; 0]);
        assert_eq!(log.store.ledger.attempt(kept[0] - 1).await.expect("read"), None);
        log.sweep_all().await;
        log.reopen().await;
    }
}
