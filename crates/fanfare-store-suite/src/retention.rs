//! Tests of retention: what is removed, and what stays.

use std::time::Duration;

use fanfare_core::{Epoch, Position, Timestamp};
use fanfare_store::{Append, Order, Read, Retention};

use crate::harness::{Setup, event, extent, messages, patterns, seqs};

pub async fn retention_by_count_removes_from_the_old_end(engine: impl Setup) {
    let log = engine.start(Retention { count: 100, ..Retention::default() });
    for index in 0..500 {
        log.append_to(if index % 100 == 0 { "rare" } else { "often" }, "x").await;
    }
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (401, 500));
    let page = log.page(log.read()).await;
    assert_eq!((seqs(&page.events), page.first), ((401..=500).collect(), 401));
    let page = log.page(Read { filter: patterns(&["rare"]), ..log.read() }).await;
    assert_eq!(seqs(&page.events), [401]);
    let page = log.page(Read { order: Order::Newest, ..log.read() }).await;
    assert_eq!((page.events.len(), page.scanned), (100, 1));
    let page = log.page(Read { until: 300, ..log.read() }).await;
    assert_eq!((page.events.len(), page.scanned, page.first), (0, 300, 401));
}

pub async fn retention_by_bytes_removes_from_the_old_end(engine: impl Setup) {
    let one = event("0123456789")
        .into_event(Position { epoch: Epoch::from_random(1), seq: 1 }, Timestamp::from_micros(0));
    let log = engine.start(Retention { bytes: one.stored_len() * 10, ..Retention::default() });
    for _ in 0..25 {
        log.append(&["0123456789"]).await;
    }
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (16, 25));
    // An event that is one byte larger leaves no room for two of the others.
    log.append(&["0123456789+"]).await;
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (18, 26));
}

pub async fn retention_by_age_removes_from_the_old_end(engine: impl Setup) {
    let hour = Duration::from_secs(60 * 60);
    let log = engine.start(Retention { age: hour, ..Retention::default() });
    log.append(&["a", "b"]).await;
    log.clock.turn(hour / 2);
    log.append(&["c"]).await;
    log.clock.turn(hour / 2);
    log.sweep_all().await;
    assert_eq!(log.store.head().first, 1, "exactly an hour old is not too old");
    log.clock.turn(Duration::from_micros(1));
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (3, 3));
    assert_eq!(messages(&log.page(log.read()).await.events), ["c"]);

    // More events than one sweep may remove.
    log.store.log.append(Append::new((0..5_000).map(|_| event("x")).collect())).await.expect("appended");
    log.clock.turn(hour * 2);
    assert!(log.store.sweep().await.expect("swept").has_more, "there is more to remove");
    assert!(log.store.head().first < 5_003);
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (5_004, 5_003));
}

pub async fn a_log_that_was_emptied_goes_on_counting(engine: impl Setup) {
    let mut log = engine.start(Retention { age: Duration::from_secs(60), ..Retention::default() });
    log.append(&["a", "b"]).await;
    log.clock.turn(Duration::from_secs(61));
    log.sweep_all().await;
    let empty = (3, 2);
    assert_eq!(extent(&log.store), empty);
    log.reopen().await;
    assert_eq!(extent(&log.store), empty);
    let page = log.page(log.read()).await;
    assert_eq!((page.events.len(), page.first, page.scanned), (0, 3, 2));
    assert_eq!(log.store.log.seq_before(log.store.log.now()).await.expect("seq"), 2);
    assert_eq!(log.append(&["c"]).await, [3]);
    assert_eq!(log.store.log.channels().await.expect("channels")[0].events, 3);
}
