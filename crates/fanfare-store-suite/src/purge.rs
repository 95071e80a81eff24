//! Tests of purging: what is gone, and what stays.

use fanfare_core::notice::GapReason;
use fanfare_core::{Filter, Json, NewEvent, Priority};
use fanfare_store::{
    Append, BatchSpan, CHANNELS_MAX, DeliveryChange, Error, NEW_CHANNELS_MAX, Order, Purge, Purged, Read,
    Retention, Scope,
};

use crate::harness::{Log, Setup, channels, event, extent, keyed, patterns};
use crate::hooks::{all_attempts, attempt, counts, cursor, failed, hook, id, ids_of, of, seqs_of, waiting};
use crate::seen::{Seen, seen};

fn channel(name: &str) -> Purge {
    Purge::Channel(name.parse().expect("a channel"))
}

/// Purges; returns what was removed. By how much the count of the channel fell has a test of its own.
async fn purge(log: &Log, purge: Purge) -> Option<Purged> {
    let purged = log.store.purge(&purge).await.expect("purged");
    purged.map(|purged| Purged { uncounted: 0, ..purged })
}

fn purged(events: u64, deliveries: u64, attempts: u64) -> Option<Purged> {
    Some(Purged { events, deliveries, attempts, ..Purged::default() })
}

pub async fn a_purged_channel_is_gone_and_its_places_stay(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    for name in ["a", "b", "b", "a", "b", "a"] {
        log.append_to(name, "secret").await;
    }
    assert_eq!(purge(&log, channel("b")).await, purged(3, 0, 0));
    for _ in 0..2 {
        assert_eq!(extent(&log.store), (1, 6));
        let gone = |count| Seen::Gone(GapReason::Purged, count);
        let all = [Seen::Event(1), gone(2), Seen::Event(4), gone(1), Seen::Event(6)];
        assert_eq!(seen(&log, log.read()).await, all);
        let newest = Read { order: Order::Newest, until: 6, ..log.read() };
        assert_eq!(seen(&log, newest).await, all.iter().rev().copied().collect::<Vec<_>>());
        assert_eq!(seen(&log, Read { filter: patterns(&["b"]), ..log.read() }).await, [gone(3)]);
        // Readers whose filter does not match it are not told.
        let others = seen(&log, Read { filter: patterns(&["a"]), ..log.read() }).await;
        assert_eq!(others, [Seen::Event(1), Seen::Event(4), Seen::Event(6)]);
        assert_eq!(channels(&log).await, [("a".to_owned(), 3)]);
        log.reopen().await;
    }
    assert_eq!(purge(&log, channel("b")).await, None, "it has no events");

    // The name can be used like a new one.
    assert_eq!(log.append_to("b", "new").await, 7);
    assert_eq!(channels(&log).await, [("a".to_owned(), 3), ("b".to_owned(), 1)]);
    let b = seen(&log, Read { filter: patterns(&["b"]), ..log.read() }).await;
    assert_eq!(b, [Seen::Gone(GapReason::Purged, 3), Seen::Event(7)]);
    assert_eq!(purge(&log, channel("b")).await, purged(1, 0, 0));
}

pub async fn two_purges_of_a_channel_at_once_leave_what_is_pushed_meanwhile(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    for round in 0..10 {
        for _ in 0..3 {
            log.append_to("b", "secret").await;
        }
        let what = channel("b");
        let (one, other, seq) =
            tokio::join!(log.store.purge(&what), log.store.purge(&what), log.append_to("b", "new"));
        let removed = [one, other].map(|purged| purged.expect("purged").map_or(0, |purged| purged.events));
        let mut left = seen(&log, Read { filter: patterns(&["b"]), after: seq - 4, ..log.read() }).await;
        left.retain(|seen| matches!(seen, Seen::Event(_)));
        let expected = left.iter().map(|_| ("b".to_owned(), 1)).collect::<Vec<_>>();
        assert_eq!(channels(&log).await, expected, "round {round}");
        assert_eq!(removed.iter().sum::<u64>() + left.len() as u64, 4, "round {round}");
        // The event that is left, if there is one, must not count in the next round.
        log.store.purge(&what).await.expect("purged");
    }
    log.reopen().await;
    assert_eq!(channels(&log).await, []);
}

pub async fn a_purge_ends_at_its_scope_and_says_what_its_channel_no_longer_counts(engine: impl Setup) {
    let mut log = engine.start(Retention { count: 4, ..Retention::default() });
    for name in ["b", "b", "b", "a", "b"] {
        log.append_to(name, "secret").await;
    }
    log.sweep_all().await;
    assert_eq!(purge(&log, Purge::Event(log.at(3))).await, purged(1, 0, 0), "its channel still counts it");
    let scope = Scope::new(channel("b"), &*log.store.log);
    log.append_to("b", "new").await;
    log.append_to("a", "new").await;
    log.sweep_all().await;
    let of_log = log.store.log.purge(&scope).await.expect("purged").expect("it has events");
    // Retention has removed two by now, and one was redacted.
    assert_eq!((of_log.uncounted, of_log.events), (4, 1));
    assert_eq!(log.store.ledger.purge(&scope).await.expect("purged"), Purged::default());
    for _ in 0..2 {
        assert_eq!(channels(&log).await, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        let b = seen(&log, Read { filter: patterns(&["b"]), after: 4, ..log.read() }).await;
        assert_eq!(b, [Seen::Gone(GapReason::Purged, 1), Seen::Event(6)]);
        log.sweep_all().await;
        log.reopen().await;
    }
    assert_eq!(log.store.log.purge(&scope).await.expect("purged"), None, "what is left came later");
    let now = log.store.purge(&channel("b")).await.expect("purged").expect("it has one");
    assert_eq!((now.uncounted, now.events), (1, 1));
    assert_eq!(channels(&log).await, [("a".to_owned(), 2)]);
}

pub async fn what_came_after_the_scope_of_a_purge_stays_beside_the_log(engine: impl Setup) {
    let log = engine.start(Retention { count: 1, ..Retention::default() });
    log.store.ledger.insert_webhook(hook(&log, 0)).await.expect("registered");
    log.append_to("b", "secret").await;
    let before = waiting(&log, 0, 1).await;
    let scope = Scope::new(channel("b"), &*log.store.log);
    log.append_to("b", "new").await;
    let after = waiting(&log, 0, 2).await;
    log.append_to("a", "x").await;
    log.sweep_all().await;
    log.store.ledger.record(Vec::new(), vec![before, after]).await.expect("recorded");
    assert_eq!(seqs_of(&log, of(0)).await, [1, 2]);
    assert_eq!(log.store.ledger.purge(&scope).await.expect("purged").deliveries, 1);
    assert_eq!(seqs_of(&log, of(0)).await, [2]);
}

pub async fn a_redacted_event_is_gone_alone(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["one"]).await;
    let rich = NewEvent {
        channel: "a.b".parse().expect("a channel"),
        event_type: "leak".parse().expect("a type"),
        priority: Priority::High,
        data: Some(Json::parse("{\"token\":\"secret\"}".to_owned()).expect("JSON")),
        key: Some("secret".parse().expect("a key")),
        ..event("secret")
    };
    log.store.log.append(Append::new(vec![rich])).await.expect("appended");
    // The last one, which tells where the log ends.
    assert_eq!(purge(&log, Purge::Event(log.at(2))).await, purged(1, 0, 0));
    log.reopen().await;
    assert_eq!(extent(&log.store), (1, 2));
    assert_eq!(seen(&log, log.read()).await, [Seen::Event(1), Seen::Gone(GapReason::Purged, 1)]);
    let filter = |types: &[&str], priority, text: Option<&str>| {
        let types = types.iter().map(|name| name.parse().expect("a type")).collect();
        Filter::new(vec!["a.*".parse().expect("a pattern")], types, priority, text).expect("short")
    };
    for (filter, is_told) in [
        (filter(&["leak"], Priority::Min, None), true),
        (filter(&["info"], Priority::Min, None), false),
        (filter(&[], Priority::High, None), true),
        (filter(&[], Priority::Max, None), false),
        // Its content is gone.
        (filter(&[], Priority::Min, Some("x")), true),
    ] {
        let told = seen(&log, Read { filter: filter.clone(), ..log.read() }).await;
        assert_eq!(told.len(), usize::from(is_told), "{filter:?}");
    }
    assert_eq!(purge(&log, Purge::Event(log.at(2))).await, purged(0, 0, 0), "it is gone already");
    assert_eq!(channels(&log).await, [("a.b".to_owned(), 1), ("default".to_owned(), 1)]);
    assert_eq!(log.append(&["three"]).await, [3]);
    log.reopen().await;
    assert_eq!(extent(&log.store), (1, 3));
}

pub async fn what_is_not_there_cannot_be_purged(engine: impl Setup) {
    let log = engine.start(Retention { count: 1, ..Retention::default() });
    log.append(&["a", "b"]).await;
    log.sweep_all().await;
    for seq in [0, 1, 3] {
        assert_eq!(purge(&log, Purge::Event(log.at(seq))).await, None, "{seq}");
    }
    let foreign = fanfare_core::Position { epoch: fanfare_core::Epoch::from_random(7), seq: 2 };
    assert_eq!(purge(&log, Purge::Event(foreign)).await, None);
    assert_eq!(purge(&log, channel("nothing")).await, None);
    assert_eq!(seen(&log, Read { after: 1, ..log.read() }).await, [Seen::Event(2)]);
}

pub async fn deliveries_and_attempts_go_with_their_events(engine: impl Setup) {
    let mut log = engine.start(Retention { count: 3, ..Retention::default() });
    for number in 0..2 {
        log.store.ledger.insert_webhook(hook(&log, number)).await.expect("registered");
    }
    for name in ["leak", "leak", "fine"] {
        log.append_to(name, "secret").await;
    }
    let late = waiting(&log, 0, 2).await;
    let mut batched = waiting(&log, 1, 2).await;
    if let DeliveryChange::Put(row) = &mut batched {
        row.batch = Some(BatchSpan { first: 1, last: 2 });
    }
    let changes = vec![
        waiting(&log, 0, 1).await,
        failed(&log, 0, 2).await,
        waiting(&log, 0, 3).await,
        batched,
        cursor(&log, 0, 3),
        attempt(&log, 0, 1, false),
        attempt(&log, 0, 2, false),
        attempt(&log, 0, 3, false),
    ];
    log.store.ledger.record(Vec::new(), changes).await.expect("recorded");
    // The first event is kept only for its delivery.
    log.append(&["x"]).await;
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (2, 4));

    assert_eq!(purge(&log, channel("leak")).await, purged(1, 3, 2));
    for _ in 0..2 {
        assert_eq!((seqs_of(&log, of(0)).await, counts(&log, 0).await), (vec![3], (1, 0)));
        assert_eq!((seqs_of(&log, of(1)).await, counts(&log, 1).await), (vec![], (0, 0)));
        assert_eq!(ids_of(&log, all_attempts()).await, [3]);
        log.reopen().await;
    }
    // An attempt that was in progress ends only now.
    log.store.ledger.record(Vec::new(), vec![late]).await.expect("recorded");
    assert_eq!(log.store.ledger.delivery(&id(0), log.at(2)).await.expect("read"), None);
    assert_eq!((seqs_of(&log, of(0)).await, counts(&log, 0).await), (vec![3], (1, 0)));
    // An attempt at a batch is removed with any of its events.
    let mut batch = attempt(&log, 0, 3, false);
    if let DeliveryChange::Attempt(row) = &mut batch {
        row.last_seq = 4;
    }
    log.store.ledger.record(Vec::new(), vec![batch]).await.expect("recorded");
    assert_eq!(purge(&log, Purge::Event(log.at(4))).await, purged(1, 0, 1));
    assert_eq!(ids_of(&log, all_attempts()).await, [3]);
    // An event that only a delivery needs is purged too.
    log.append(&["y", "z"]).await;
    log.sweep_all().await;
    assert_eq!(extent(&log.store), (4, 6));
    assert_eq!(purge(&log, Purge::Event(log.at(3))).await, purged(0, 1, 1));
    assert_eq!(purge(&log, Purge::Event(log.at(3))).await, None);
    log.store.engine.close().await;
    assert_eq!(log.orphans(), 0);
}

pub async fn a_purged_channel_makes_room_for_another(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let on = |index: usize| NewEvent { channel: format!("c{index}").parse().expect("channel"), ..event("x") };
    for start in (0..CHANNELS_MAX).step_by(NEW_CHANNELS_MAX) {
        let events = (start..start + NEW_CHANNELS_MAX).map(on).collect();
        log.store.log.append(Append::new(events)).await.expect("there is room");
    }
    let more = || Append::new(vec![on(CHANNELS_MAX)]);
    let refused = log.store.log.append(more()).await;
    assert!(matches!(refused, Err(Error::TooManyChannels { .. })), "{refused:?}");
    assert_eq!(purge(&log, channel("c7")).await, purged(1, 0, 0));
    log.store.log.append(more()).await.expect("there is room again");
    let refused = log.store.log.append(Append::new(vec![on(7)])).await;
    assert!(matches!(refused, Err(Error::TooManyChannels { .. })), "{refused:?}");
    assert_eq!(channels(&log).await.len(), CHANNELS_MAX);
}

pub async fn a_repeated_push_brings_nothing_back(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let append = || Append::new(vec![keyed("secret", "once")]);
    log.store.log.append(append()).await.expect("appended");
    assert_eq!(purge(&log, channel("default")).await, purged(1, 0, 0));
    let again = log.store.log.append(append()).await.expect("answered");
    assert_eq!((again[0].repeated, again[0].event.position), (true, log.at(1)));
    assert_eq!(seen(&log, log.read()).await, [Seen::Gone(GapReason::Purged, 1)]);
    let other = log.store.log.append(Append::new(vec![keyed("other", "once")])).await;
    assert!(matches!(other, Err(Error::IdempotencyConflict { index: 0 })), "{other:?}");
}

pub async fn a_large_channel_is_purged_while_others_are_pushed_to(engine: impl Setup) {
    const EVENTS: u64 = 3_000;
    let log = engine.start(Retention { count: EVENTS + 3, ..Retention::default() });
    let on = |name: &str| NewEvent { channel: name.parse().expect("a channel"), ..event("secret") };
    let events = (0..EVENTS).map(|index| on(if index % 3 == 0 { "a" } else { "b" })).collect();
    log.store.log.append(Append::new(events)).await.expect("appended");
    let what = channel("b");
    let purging = log.store.purge(&what);
    let pushing = async {
        for name in ["b", "a", "b"] {
            log.append_to(name, "later").await;
        }
    };
    let (done, ()) = tokio::join!(purging, pushing);
    let done = done.expect("purged").expect("there are some");
    assert!((EVENTS / 3 * 2..=EVENTS / 3 * 2 + 2).contains(&done.events), "{done:?}");
    let told = seen(&log, Read { filter: patterns(&["b"]), ..log.read() }).await;
    let gone: u64 = told.iter().map(|seen| if let Seen::Gone(_, count) = seen { *count } else { 0 }).sum();
    assert_eq!(gone, done.events);
    // Retention removes purged events like all others.
    log.store.log.append(Append::new((0..EVENTS).map(|_| event("x")).collect())).await.expect("appended");
    log.sweep_all().await;
    let missed = seen(&log, Read { filter: patterns(&["a"]), ..log.read() }).await;
    assert_eq!(missed, [Seen::Removed { up_to: EVENTS - 2, count: EVENTS / 3 }, Seen::Event(EVENTS + 2)]);
}
