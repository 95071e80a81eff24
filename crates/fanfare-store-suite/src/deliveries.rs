//! Tests of deliveries that a webhook has not accepted.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Audience, Door, Json, NewEvent, Priority, Source};
use fanfare_store::{
    Append, BatchSpan, DeliveryChange, DeliveryRow, DeliveryStatus, ReadDeliveries, Retention,
};

use crate::harness::{Log, Setup, event, extent};
use crate::hooks::{counts, cursor, failed, hook, id, of, remove, seqs_of, waiting};

async fn start(engine: impl Setup, retention: Retention, webhooks: usize) -> Log {
    let log = engine.start(retention);
    for number in 0..webhooks {
        log.store.ledger.insert_webhook(hook(&log, number)).await.expect("registered");
    }
    log
}

pub async fn a_delivery_comes_back_as_it_was_recorded(engine: impl Setup) {
    let mut log = start(engine, Retention::default(), 2).await;
    let rich = NewEvent {
        channel: "a.b".parse().expect("channel"),
        event_type: "build.failed".parse().expect("type"),
        data: Some(Json::parse("{\"x\": 1.50}".to_owned()).expect("JSON")),
        priority: Priority::High,
        key: Some("k".parse().expect("key")),
        source: Source { principal: Arc::from("agent"), door: Door::ALL[1], agent: None },
        audience: Audience::All,
        expires_in: Some(Duration::from_secs(5)),
        ..event("two\nlines, \u{0}, 🎺")
    };
    let appended = log.store.log.append(Append::new(vec![event("x"), rich])).await.expect("appended");
    let row = DeliveryRow {
        webhook: id(0),
        event: appended[1].event.clone(),
        attempts: 3,
        status: DeliveryStatus::Waiting(log.clock.now().after(Duration::from_secs(9))),
        failure: "refused".into(),
        batch: None,
    };
    let other = DeliveryRow {
        webhook: id(1),
        attempts: 1,
        status: DeliveryStatus::Failed(log.clock.now()),
        failure: "".into(),
        batch: Some(BatchSpan { first: 1, last: 2 }),
        ..row.clone()
    };
    let put = [row.clone(), other.clone()].map(DeliveryChange::Put);
    log.store
        .ledger
        .record(Vec::new(), [vec![cursor(&log, 0, 2), cursor(&log, 1, 2)], put.to_vec()].concat())
        .await
        .expect("recorded");
    let given_up = failed(&log, 0, 2).await;
    log.reopen().await;
    // This includes expired events: the dispatcher decides about those.
    log.clock.turn(Duration::from_secs(60));
    assert_eq!(log.store.ledger.delivery(&id(0), log.at(2)).await.expect("read").as_ref(), Some(&row));
    assert_eq!(log.store.ledger.deliveries(of(0)).await.expect("rows").len(), 1);
    assert_eq!(log.store.ledger.delivery(&id(1), log.at(2)).await.expect("read"), Some(other));
    assert_eq!(log.store.ledger.delivery(&id(0), log.at(1)).await.expect("read"), None);
    assert_eq!(log.store.ledger.delivery(&id(0), log.at(0)).await.expect("read"), None);
    assert_eq!(log.store.ledger.delivery(&id(7), log.at(2)).await.expect("read"), None);
    assert_eq!((counts(&log, 0).await, counts(&log, 1).await), ((1, 0), (0, 1)));

    let batch = Some(BatchSpan { first: 2, last: 9 });
    let again = DeliveryRow { attempts: 4, failure: "timeout".into(), batch, ..row };
    log.store.ledger.record(Vec::new(), vec![DeliveryChange::Put(again.clone())]).await.expect("recorded");
    assert_eq!(log.store.ledger.deliveries(of(0)).await.expect("rows"), [again], "in the place of the other");
    assert_eq!(counts(&log, 0).await, (1, 0));
    log.store.ledger.record(Vec::new(), vec![given_up]).await.expect("recorded");
    assert_eq!(counts(&log, 0).await, (0, 1));
    log.store
        .ledger
        .record(Vec::new(), vec![remove(&log, 0, 2), remove(&log, 0, 2), remove(&log, 0, 1)])
        .await
        .expect("recorded");
    assert_eq!((counts(&log, 0).await, counts(&log, 1).await), ((0, 0), (0, 1)));
    assert_eq!(seqs_of(&log, of(0)).await, [0u64; 0]);
}

pub async fn an_event_is_kept_as_long_as_it_waits(engine: impl Setup) {
    let mut log = start(engine, Retention { count: 3, ..Retention::default() }, 2).await;
    log.append(&["a", "b", "c"]).await;
    let late = waiting(&log, 0, 1).await;
    let changes = vec![waiting(&log, 0, 2).await, waiting(&log, 1, 2).await, failed(&log, 1, 3).await];
    log.store.ledger.record(Vec::new(), changes).await.expect("recorded");
    let before = log.store.ledger.deliveries(of(1)).await.expect("rows");
    log.append(&["d", "e", "f", "g"]).await;
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (5, 7));
    log.reopen().await;
    assert_eq!(log.store.ledger.deliveries(of(1)).await.expect("rows"), before, "with their events");

    // The row keeps an event that the log has already lost.
    log.store.ledger.record(Vec::new(), vec![late.clone()]).await.expect("recorded");
    log.store.ledger.record(Vec::new(), vec![waiting(&log, 0, 6).await]).await.expect("recorded");
    log.reopen().await;
    assert_eq!(seqs_of(&log, of(0)).await, [1, 2, 6], "in the order of their seqs");
    assert_eq!(seqs_of(&log, ReadDeliveries { after: Some(log.at(1)), limit: 1, ..of(0) }).await, [2]);
    assert_eq!(seqs_of(&log, ReadDeliveries { after: Some(log.at(2)), limit: 1, ..of(0) }).await, [6]);
    let found = log.store.ledger.delivery(&id(0), log.at(1)).await.expect("read").expect("it waits");
    assert_eq!(DeliveryChange::Put(found), late);

    // A delivery that one webhook has accepted still waits for another.
    log.store.ledger.record(Vec::new(), vec![remove(&log, 0, 2)]).await.expect("recorded");
    assert_eq!(log.store.ledger.deliveries(of(1)).await.expect("rows"), before);
    log.store
        .ledger
        .record(Vec::new(), vec![remove(&log, 1, 2), remove(&log, 0, 1)])
        .await
        .expect("recorded");
    log.reopen().await;
    assert_eq!((seqs_of(&log, of(0)).await, seqs_of(&log, of(1)).await), (vec![6], vec![3]));
}

pub async fn deliveries_are_read_page_by_page(engine: impl Setup) {
    let log = start(engine, Retention { count: 60, ..Retention::default() }, 2).await;
    log.append(&["x"; 60]).await;
    let mut changes = Vec::new();
    for seq in 1..=60 {
        changes.push(if seq % 3 == 0 { failed(&log, 0, seq).await } else { waiting(&log, 0, seq).await });
    }
    changes.push(waiting(&log, 1, 30).await);
    log.store.ledger.record(Vec::new(), changes).await.expect("recorded");
    // Half of the deliveries are older than the log.
    log.append(&["x"; 30]).await;
    log.sweep_all().await;
    assert_eq!(counts(&log, 0).await, (40, 20));
    for (only, expected) in [
        (None, (1..=60).collect::<Vec<u64>>()),
        (Some(true), (1..=60).filter(|seq| seq % 3 == 0).collect()),
        (Some(false), (1..=60).filter(|seq| seq % 3 != 0).collect()),
    ] {
        for limit in [1, 7, 20, 60, 100] {
            let (mut read, mut seen) = (ReadDeliveries { failed: only, limit, ..of(0) }, Vec::new());
            loop {
                let page = seqs_of(&log, read.clone()).await;
                let Some(last) = page.last() else { break };
                assert!(page.len() <= limit);
                read.after = Some(log.at(*last));
                seen.extend(page);
            }
            assert_eq!(seen, expected, "{only:?}, {limit} at a time");
        }
    }
    assert_eq!(seqs_of(&log, ReadDeliveries { after: Some(log.at(u64::MAX)), ..of(0) }).await, [0u64; 0]);
    assert_eq!(seqs_of(&log, ReadDeliveries { limit: 0, ..of(1) }).await, [30], "at least one");
    assert_eq!(seqs_of(&log, of(9)).await, [0u64; 0]);
}

pub async fn a_page_of_large_deliveries_ends_early(engine: impl Setup) {
    let log = start(engine, Retention::default(), 1).await;
    let data = || Some(Json::parse(format!("\"{}\"", "x".repeat(250_000))).expect("JSON"));
    let large = (0..6).map(|_| NewEvent { data: data(), ..event("x") }).collect();
    log.store.log.append(Append::new(large)).await.expect("appended");
    let mut changes = Vec::new();
    for seq in 1..=6 {
        changes.push(waiting(&log, 0, seq).await);
    }
    log.store.ledger.record(Vec::new(), changes).await.expect("recorded");
    assert_eq!(seqs_of(&log, of(0)).await, [1, 2, 3, 4]);
    assert_eq!(seqs_of(&log, ReadDeliveries { after: Some(log.at(4)), ..of(0) }).await, [5, 6]);
}

pub async fn dead_letters_are_forgotten_and_waiting_ones_are_not(engine: impl Setup) {
    let day = Duration::from_secs(24 * 60 * 60);
    let retention = Retention { failed_deliveries: day, age: day / 2, ..Retention::default() };
    let mut log = start(engine, retention, 2).await;
    log.append(&["x"; 4]).await;
    let changes = vec![failed(&log, 0, 1).await, failed(&log, 1, 1).await, waiting(&log, 0, 2).await];
    log.store.ledger.record(Vec::new(), changes).await.expect("recorded");
    log.clock.turn(day / 2);
    log.store.ledger.record(Vec::new(), vec![failed(&log, 0, 3).await]).await.expect("recorded");
    log.clock.turn(day / 2);
    log.sweep_all().await;
    assert_eq!(log.store.head().first, 5, "the log has forgotten them");
    assert_eq!(seqs_of(&log, of(0)).await, [1, 2, 3], "exactly a day old is not too old");
    log.clock.turn(Duration::from_micros(1));
    log.sweep_all().await;
    assert_eq!((seqs_of(&log, of(0)).await, seqs_of(&log, of(1)).await), (vec![2, 3], vec![]));
    assert_eq!((counts(&log, 0).await, counts(&log, 1).await), ((1, 1), (0, 0)));
    log.reopen().await;
    log.clock.turn(day * 1_000);
    log.sweep_all().await;
    assert_eq!(seqs_of(&log, of(0)).await, [2]);
    assert_eq!(counts(&log, 0).await, (1, 0));
}

pub async fn much_is_forgotten_in_parts(engine: impl Setup) {
    const ROWS: u64 = 1_200;
    let hour = Duration::from_secs(60 * 60);
    let mut log = start(engine, Retention { failed_deliveries: hour, ..Retention::default() }, 2).await;
    log.store.log.append(Append::new((0..ROWS).map(|_| event("x")).collect())).await.expect("appended");
    let events = log.pages(log.read()).await;
    let put = |webhook: usize, status| {
        let changes = events.iter().map(move |event| {
            DeliveryChange::Put(DeliveryRow {
                webhook: id(webhook),
                event: event.clone(),
                attempts: 1,
                status,
                failure: "timeout".into(),
                batch: None,
            })
        });
        changes.collect::<Vec<_>>()
    };
    let (failed, waiting) =
        (DeliveryStatus::Failed(log.clock.now()), DeliveryStatus::Waiting(log.clock.now()));
    log.store.ledger.record(Vec::new(), [put(0, failed), put(1, waiting)].concat()).await.expect("recorded");
    assert_eq!((counts(&log, 0).await, counts(&log, 1).await), ((0, ROWS), (ROWS, 0)));
    log.reopen().await;
    assert_eq!((counts(&log, 0).await, counts(&log, 1).await), ((0, ROWS), (ROWS, 0)));
    log.clock.turn(hour * 2);
    assert!(log.store.sweep().await.expect("swept").has_more, "there is more");
    let (_, left) = counts(&log, 0).await;
    assert!(0 < left && left < ROWS, "{left}");
    log.sweep_all().await;
    assert_eq!(counts(&log, 0).await, (0, 0));

    // A webhook that is removed is gone at once, however much the sweeps still have to do.
    assert!(log.store.ledger.remove_webhook(&id(1)).await.expect("asked"));
    assert_eq!(seqs_of(&log, of(1)).await, [0u64; 0]);
    log.store.ledger.insert_webhook(hook(&log, 1)).await.expect("registered again");
    log.store.ledger.record(Vec::new(), put(1, waiting)[..2].to_vec()).await.expect("recorded");
    log.sweep_all().await;
    log.reopen().await;
    assert_eq!(seqs_of(&log, of(1)).await, [1, 2]);
    assert_eq!(counts(&log, 1).await, (2, 0));
}
