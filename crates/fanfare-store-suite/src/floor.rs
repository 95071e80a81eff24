//! Tests of the floor of retention: a flood in one channel leaves the newest events of the others.

use std::time::Duration;

use fanfare_core::{Channel, Filter, NewEvent};
use fanfare_store::{Append, Order, Purge, Read, Retention};

use fanfare_core::notice::GapReason;

use crate::harness::{Log, Setup, channels, event, extent, messages, patterns, seqs};
use crate::hooks::{hook, of, remove, waiting};
use crate::seen::{Seen, seen};

/// Appends noise on a channel of its own.
async fn flood(log: &Log, len: usize) {
    let channel: Channel = "flood".parse().expect("a channel");
    let noise = (0..len).map(|_| NewEvent { channel: channel.clone(), ..event("x") }).collect();
    log.store.log.append(Append::new(noise)).await.expect("appended");
    log.sweep_all().await;
}

/// Appends events to `quiet` with noise between them; returns their seqs.
async fn quiet(log: &Log, len: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    for _ in 0..len {
        seqs.push(log.append_to("quiet", "hush").await);
        flood(log, 9).await;
    }
    seqs
}

/// Returns the seqs that a filter finds, whose order must not depend on the end to read from.
async fn found(log: &Log, filter: Filter) -> Vec<u64> {
    let read = Read { filter, ..log.read() };
    let oldest = seqs(&log.pages(Read { limit: 3, ..read.clone() }).await);
    let mut newest = seqs(&log.pages(Read { order: Order::Newest, limit: 3, ..read }).await);
    newest.reverse();
    assert_eq!(oldest, newest);
    oldest
}

fn keep(count: u64, floor: u64) -> Retention {
    Retention { count, floor, ..Retention::default() }
}

pub async fn a_flood_leaves_the_newest_events_of_the_other_channels(engine: impl Setup) {
    let mut log = engine.start(keep(100, 5));
    let places = quiet(&log, 8).await;
    flood(&log, 5_000).await;
    for _ in 0..2 {
        let head = log.store.head();
        assert_eq!((head.first, head.last, head.oldest, head.spared), (4_986, 5_080, places[3], 5));
        assert_eq!((head.events(), head.removed()), (100, 4_980));
        assert_eq!(found(&log, patterns(&["quiet"])).await, places[3..]);
        assert_eq!(found(&log, patterns(&["quiet", "nobody.*"])).await, places[3..]);
        let all: Vec<u64> = places[3..].iter().copied().chain(4_986..=5_080).collect();
        assert_eq!(found(&log, Filter::all()).await, all);
        assert_eq!(channels(&log).await, [("flood".to_owned(), 5_072), ("quiet".to_owned(), 8)]);
        // An event of the hole is not there, and one that is spared is.
        for (seq, len) in [(places[3], 1), (places[3] + 1, 0), (places[2], 0)] {
            let page = log.page(Read { after: seq - 1, until: seq, ..log.read() }).await;
            assert_eq!((page.events.len(), page.scanned), (len, seq));
        }
        log.reopen().await;
    }
}

pub async fn a_reader_in_a_hole_is_told_once_of_what_is_gone(engine: impl Setup) {
    let log = engine.start(keep(100, 5));
    let places = quiet(&log, 8).await;
    flood(&log, 1_000).await;
    let told = async |filter: Filter, after| {
        // Of one event each, so that there are many pages.
        seen(&log, Read { filter, after, limit: 1, ..log.read() }).await
    };
    let events = |from: usize| places[from..].iter().map(|seq| Seen::Event(*seq));
    let first = log.store.head().first;
    let run = (first..=log.store.head().last).map(Seen::Event);

    // On the channel itself, what is gone is older than what is left.
    let mut quiet = vec![Seen::Removed { up_to: places[2], count: 3 }];
    quiet.extend(events(3));
    assert_eq!(told(patterns(&["quiet"]), 0).await, quiet);
    assert_eq!(told(patterns(&["quiet"]), places[2]).await, events(3).collect::<Vec<_>>());
    assert_eq!(told(patterns(&["quiet"]), places[5]).await, events(6).collect::<Vec<_>>());

    // Among all channels, it is around that: it is reported at once, before the first event that is left.
    let mut all = vec![Seen::Removed { up_to: places[3] - 1, count: log.store.head().removed() }];
    all.extend(events(3).chain(run.clone()));
    assert_eq!(told(Filter::all(), 0).await, all);
    assert_eq!(told(patterns(&["quiet", "flood"]), 0).await, all);
    // A reader that comes back in the hole has not been told, as far as anybody knows.
    let missed = first - 1 - places[4];
    let mut rest = vec![Seen::Removed { up_to: places[5] - 1, count: missed }];
    rest.extend(events(5).chain(run.clone()));
    assert_eq!(told(Filter::all(), places[4]).await, rest);
    assert_eq!(told(Filter::all(), first - 1).await, run.collect::<Vec<_>>());

    // What is removed while it reads is reported as well, and nothing else.
    let read = Read { filter: patterns(&["quiet", "flood"]), limit: 1, ..log.read() };
    let page = log.page(read.clone()).await;
    let read = Read { after: page.scanned, told: page.told, ..read };
    for _ in 0..2 {
        log.append_to("quiet", "newer").await;
    }
    log.sweep_all().await;
    let page = log.page(read.clone()).await;
    let removed = page.removed.expect("one that it had, and one that it had not");
    assert_eq!((removed.up_to, removed.count), (places[4], 2));
    assert_eq!(seqs(&page.events), [places[5]]);
    let quiet = Read { filter: patterns(&["quiet"]), ..read };
    assert_eq!(log.page(Read { told: page.told, ..quiet }).await.removed, None);
}

pub async fn newer_events_take_the_place_of_spared_ones(engine: impl Setup) {
    let mut log = engine.start(keep(100, 3));
    let mut places = quiet(&log, 4).await;
    flood(&log, 500).await;
    assert_eq!(found(&log, patterns(&["quiet"])).await, places[1..]);
    log.reopen().await;
    for newer in 1..=5 {
        places.push(log.append_to("quiet", "newer").await);
        log.sweep_all().await;
        // What the limits leave anyway stays, of course.
        let left = &places[places.len() - newer.max(3)..];
        assert_eq!(found(&log, patterns(&["quiet"])).await, left[..]);
        assert_eq!(log.store.head().spared, 3_u64.saturating_sub(newer as u64));
    }
    assert_eq!((log.store.head().spared, log.store.head().events()), (0, 100));
    flood(&log, 500).await;
    assert_eq!(found(&log, patterns(&["quiet"])).await, places[places.len() - 3..]);
    assert_eq!((log.store.head().spared, log.store.head().events()), (3, 100));
}

pub async fn age_removes_what_the_floor_spares(engine: impl Setup) {
    let hour = Duration::from_secs(60 * 60);
    let mut log = engine.start(Retention { age: hour, ..keep(100, 5) });
    let places = quiet(&log, 2).await;
    log.clock.turn(hour / 2);
    let later = quiet(&log, 2).await;
    flood(&log, 1_000).await;
    let all: Vec<u64> = places.iter().chain(&later).copied().collect();
    assert_eq!(found(&log, patterns(&["quiet"])).await, all);
    log.clock.turn(hour / 2 + Duration::from_micros(1));
    log.sweep_all().await;
    assert_eq!(found(&log, patterns(&["quiet"])).await, later);
    let seen = seen(&log, Read { filter: patterns(&["quiet"]), ..log.read() }).await;
    assert_eq!(seen[0], Seen::Removed { up_to: places[1], count: 2 });
    log.clock.turn(hour);
    log.sweep_all().await;
    let empty = log.store.head();
    assert_eq!((empty.first, empty.oldest, empty.spared), (empty.last + 1, empty.last + 1, 0));
    log.reopen().await;
    assert_eq!(log.store.head(), empty);
}

pub async fn spared_events_leave_half_of_the_number_for_what_is_new(engine: impl Setup) {
    let log = engine.start(keep(100, 20));
    for index in 0..100 {
        log.append_to(&format!("c{}", index / 10), "x").await;
    }
    flood(&log, 4_000).await;
    let head = log.store.head();
    assert_eq!((head.events(), head.spared, head.oldest), (100, 50, 51));
    assert_eq!(head.first, head.last - 49);
}

pub async fn spared_events_leave_half_of_the_bytes_for_what_is_new(engine: impl Setup) {
    const SMALL: u64 = 100;
    let bytes = SMALL * 1_000;
    let log = engine.start(Retention { bytes, ..keep(1_000_000, 20) });
    let large = "x".repeat(SMALL as usize * 99);
    for _ in 0..10 {
        log.append_to("large", &large).await;
        log.sweep_all().await;
    }
    flood(&log, 5_000).await;
    let spared = log.pages(Read { filter: patterns(&["large"]), ..log.read() }).await;
    assert!((4..=5).contains(&spared.len()), "{}", spared.len());
    let all: u64 = log.pages(log.read()).await.iter().map(|event| event.stored_len()).sum();
    assert!(all <= bytes, "{all} bytes, and at most {bytes}");
}

pub async fn a_lower_floor_spares_less(engine: impl Setup) {
    let mut log = engine.start(keep(100, 10));
    if !log.setup.survives() {
        return;
    }
    let mut places = quiet(&log, 9).await;
    flood(&log, 500).await;
    assert_eq!(found(&log, patterns(&["quiet"])).await, places);
    log.reopen_with(keep(100, 4)).await;
    log.sweep_all().await;
    assert_eq!(found(&log, patterns(&["quiet"])).await, places[5..]);
    places.push(log.append_to("quiet", "newer").await);
    log.sweep_all().await;
    assert_eq!(found(&log, patterns(&["quiet"])).await, places[6..]);
    // A higher one brings nothing back.
    log.reopen_with(keep(100, 8)).await;
    flood(&log, 500).await;
    assert_eq!(found(&log, patterns(&["quiet"])).await, places[6..]);
    log.reopen_with(keep(100, 0)).await;
    log.sweep_all().await;
    assert!(found(&log, patterns(&["quiet"])).await.is_empty());
    assert_eq!((log.store.head().spared, log.store.head().events()), (0, 96));
    flood(&log, 50).await;
    assert_eq!(log.store.head().events(), 100);
}

pub async fn a_time_before_the_hole_is_found(engine: impl Setup) {
    let minute = Duration::from_secs(60);
    let log = engine.start(keep(100, 5));
    let mut places = Vec::new();
    for _ in 0..4 {
        places.extend(quiet(&log, 1).await);
        log.clock.turn(minute);
    }
    flood(&log, 1_000).await;
    let before = async |ago| {
        let moment = log.store.log.now().before(ago);
        log.store.log.seq_before(moment).await.expect("a seq")
    };
    assert_eq!(before(minute * 10).await, places[0] - 1);
    assert_eq!(before(minute * 4).await, places[0] - 1);
    assert_eq!(before(minute * 3).await, places[1] - 1);
    assert_eq!(before(minute).await, places[3] - 1);
    assert_eq!(before(minute / 2).await, log.store.head().first - 1);
    log.clock.turn(minute);
    assert_eq!(before(minute / 2).await, log.store.head().last);
}

pub async fn a_channel_with_spared_events_is_not_forgotten(engine: impl Setup) {
    let log = engine.start(Retention { age: Duration::from_secs(60), ..keep(100, 2) });
    quiet(&log, 3).await;
    flood(&log, 500).await;
    assert!(log.store.log.channels().await.expect("channels")[1].last_seq < log.store.head().first);
    let quiet: Channel = "quiet".parse().expect("a channel");
    let forget = async || log.store.log.forget_channels(vec![quiet.clone()]).await.expect("forgotten");
    assert_eq!(forget().await, []);
    log.clock.turn(Duration::from_secs(61));
    log.sweep_all().await;
    assert_eq!(forget().await, std::slice::from_ref(&quiet));
}

pub async fn what_is_spared_can_be_purged(engine: impl Setup) {
    let mut log = engine.start(Retention { age: Duration::from_secs(60), ..keep(100, 4) });
    let places = quiet(&log, 6).await;
    flood(&log, 500).await;
    let redact = Purge::Event(log.at(places[3]));
    assert_eq!(log.store.purge(&redact).await.expect("purged").expect("it is there").events, 1);
    assert_eq!(log.store.purge(&redact).await.expect("purged").expect("its place is there").events, 0);
    for gone in [places[0], places[3] + 1] {
        assert_eq!(log.store.purge(&Purge::Event(log.at(gone))).await.expect("nothing to purge"), None);
    }
    let read = |log: &Log, after| Read { filter: patterns(&["quiet"]), after, ..log.read() };
    let purged = Seen::Gone(GapReason::Purged, 1);
    for _ in 0..2 {
        let [a, c, d] = [2, 4, 5].map(|index| Seen::Event(places[index]));
        assert_eq!(seen(&log, read(&log, places[1])).await, [a, purged, c, d]);
        log.reopen().await;
    }
    let last = log.append_to("quiet", "secret").await;
    log.sweep_all().await;
    let purge = Purge::Channel("quiet".parse().expect("a channel"));
    assert_eq!(log.store.purge(&purge).await.expect("purged").expect("it is there").events, 3);
    for _ in 0..2 {
        let all = Seen::Gone(GapReason::Purged, 4);
        assert_eq!(seen(&log, read(&log, places[2])).await, [all]);
        assert_eq!(log.page(read(&log, places[2])).await.scanned, last);
        assert_eq!(channels(&log).await, [("flood".to_owned(), 554)]);
        log.reopen().await;
    }
    log.clock.turn(Duration::from_secs(61));
    log.sweep_all().await;
    log.store.log.forget_channels(Vec::new()).await.expect("forgotten");
    let gone = [Seen::Removed { up_to: last, count: 7 }];
    assert_eq!(seen(&log, read(&log, 0)).await, gone);
}

pub async fn what_is_spared_can_be_delivered(engine: impl Setup) {
    let mut log = engine.start(keep(100, 1));
    log.store.ledger.insert_webhook(hook(&log, 0)).await.expect("registered");
    let places = quiet(&log, 2).await;
    let (first, second) = (places[0], places[1]);
    for seq in [first, second] {
        let needs = waiting(&log, 0, seq).await;
        log.store.ledger.record(Vec::new(), vec![needs]).await.expect("recorded");
    }
    flood(&log, 500).await;
    let late = waiting(&log, 0, second).await;
    log.store.ledger.record(Vec::new(), vec![late]).await.expect("recorded");
    for _ in 0..2 {
        let rows = log.store.ledger.deliveries(of(0)).await.expect("rows");
        let events: Vec<_> = rows.into_iter().map(|row| row.event).collect();
        assert_eq!((seqs(&events), messages(&events)), (vec![first, second], vec!["hush", "hush"]));
        log.reopen().await;
    }
    // The second is needed longer than it is spared.
    log.append_to("quiet", "newer").await;
    log.sweep_all().await;
    let rows = log.store.ledger.deliveries(of(0)).await.expect("rows");
    assert_eq!(rows.len(), 2);
    let done = vec![remove(&log, 0, first), remove(&log, 0, second)];
    log.store.ledger.record(Vec::new(), done).await.expect("recorded");
    assert_eq!(log.store.ledger.deliveries(of(0)).await.expect("rows").len(), 0);
    assert_eq!(extent(&log.store).1, log.store.head().last);
    log.store.engine.close().await;
    assert_eq!(log.orphans(), 0);
}
