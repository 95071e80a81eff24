//! Tests of reading pages.

use std::time::Duration;

use fanfare_core::{Filter, NewEvent, Priority};
use fanfare_store::read::{PAGE_BYTES_MAX, PAGE_SCAN_MAX};
use fanfare_store::{Append, Order, Read, Retention};
use futures_util::FutureExt;

use crate::harness::{Setup, event, messages, patterns, seqs};

/// The time that a test waits for what must come: machines that run tests are busy.
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn reads_keep_to_their_range(engine: impl Setup) {
    let log = engine.start(Retention::default());
    for _ in 0..30 {
        log.append(&["x"; 10]).await;
    }
    let page = log.page(Read { after: 10, until: 20, ..log.read() }).await;
    assert_eq!((seqs(&page.events), page.scanned), ((11..=20).collect(), 20));
    let page = log.page(Read { after: 10, until: 20, order: Order::Newest, ..log.read() }).await;
    assert_eq!((seqs(&page.events), page.scanned), ((11..=20).rev().collect(), 11));
    let page = log.page(Read { after: 10, limit: 3, ..log.read() }).await;
    assert_eq!((seqs(&page.events), page.scanned), (vec![11, 12, 13], 13));
    let page = log.page(Read { after: 10, limit: 3, order: Order::Newest, ..log.read() }).await;
    assert_eq!((seqs(&page.events), page.scanned), (vec![300, 299, 298], 298));
    let page = log.page(Read { limit: 0, ..log.read() }).await;
    assert_eq!(seqs(&page.events), [1], "a page has room for one at least");
    for (after, until) in [(300, u64::MAX), (20, 20), (20, 10), (u64::MAX, u64::MAX)] {
        let page = log.page(Read { after, until, ..log.read() }).await;
        assert_eq!((page.events.len(), page.scanned), (0, after), "{after} {until}");
        let page = log.page(Read { after, until, order: Order::Newest, ..log.read() }).await;
        assert_eq!((page.events.len(), page.scanned), (0, after.saturating_add(1)), "{after} {until}");
    }
    for order in [Order::Oldest, Order::Newest] {
        let mut all = seqs(&log.pages(Read { limit: 7, order, ..log.read() }).await);
        all.sort_unstable();
        assert_eq!(all, (1..=300).collect::<Vec<_>>(), "{order:?}");
    }
}

pub async fn a_read_that_nobody_polls_holds_up_no_other(engine: impl Setup) {
    let log = engine.start(Retention::default());
    log.append(&["x"; 10]).await;
    // More than any engine does at once. A caller can begin a read, and then wait for something else first.
    let mut left: Vec<_> = (0..100).map(|_| log.store.log.read(log.read())).collect();
    left.retain_mut(|read| read.as_mut().now_or_never().is_none());
    let other = tokio::time::timeout(PATIENCE, log.page(log.read()));
    assert_eq!(other.await.expect("a page").events.len(), 10);
    for read in left {
        assert_eq!(read.await.expect("a page").events.len(), 10);
    }
}

pub async fn filters_choose_events(engine: impl Setup) {
    let log = engine.start(Retention::default());
    for (channel, event_type, priority, message) in [
        ("builds.web", "info", "default", "Started"),
        ("builds.web", "error", "high", "Failed: out of disk"),
        ("builds.api", "success", "low", "finished"),
        ("deploys.api.eu", "info", "max", "FINISHED"),
        ("other", "build.failed", "min", "x"),
    ] {
        let event = NewEvent {
            channel: channel.parse().expect("channel"),
            event_type: event_type.parse().expect("type"),
            priority: priority.parse().expect("priority"),
            ..event(message)
        };
        log.store.log.append(Append::new(vec![event])).await.expect("appended");
    }
    let filter = |patterns: &[&str], types: &[&str], priority, text| {
        let patterns = patterns.iter().map(|text| text.parse().expect("pattern")).collect();
        let types = types.iter().map(|text| text.parse().expect("type")).collect();
        Filter::new(patterns, types, priority, text).expect("few")
    };
    for (filter, expected) in [
        (filter(&["builds.web"], &[], Priority::Min, None), vec![1, 2]),
        (filter(&["builds.web", "other"], &[], Priority::Min, None), vec![1, 2, 5]),
        (filter(&["builds.*"], &[], Priority::Min, None), vec![1, 2, 3]),
        (filter(&["deploys.>", "other"], &[], Priority::Min, None), vec![4, 5]),
        (filter(&["*.api.>", "nobody"], &[], Priority::Min, None), vec![4]),
        (filter(&["nobody"], &[], Priority::Min, None), vec![]),
        (filter(&["nobody.*"], &[], Priority::Min, None), vec![]),
        (filter(&[], &["error", "build.failed"], Priority::Min, None), vec![2, 5]),
        (filter(&[], &[], Priority::Default, None), vec![1, 2, 4]),
        (filter(&[], &[], Priority::Low, Some("finISHed")), vec![3, 4]),
        (filter(&["builds.>"], &["info", "success"], Priority::Low, Some("s")), vec![1, 3]),
    ] {
        let page = log.page(Read { filter: filter.clone(), ..log.read() }).await;
        assert_eq!((seqs(&page.events), page.scanned), (expected.clone(), 5), "{filter:?}");
        let read = Read { filter: filter.clone(), order: Order::Newest, limit: 1, ..log.read() };
        let newest: Vec<_> = expected.into_iter().rev().collect();
        assert_eq!(seqs(&log.pages(read).await), newest, "{filter:?}");
    }
}

pub async fn an_expired_event_is_left_out(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let short = NewEvent { expires_in: Some(Duration::from_secs(10)), ..event("short") };
    log.store.log.append(Append::new(vec![event("a"), short, event("b")])).await.expect("appended");
    log.clock.turn(Duration::from_micros(9_999_999));
    assert_eq!(messages(&log.page(log.read()).await.events), ["a", "short", "b"]);
    log.clock.turn(Duration::from_micros(1));
    let page = log.page(log.read()).await;
    assert_eq!((messages(&page.events), page.scanned), (vec!["a", "b"], 3));
}

pub async fn a_page_of_large_events_ends_early(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let large = "x".repeat(250 * 1024);
    log.append(&[large.as_str(); 9]).await;
    for order in [Order::Oldest, Order::Newest] {
        let page = log.page(Read { order, ..log.read() }).await;
        let bytes: u64 = page.events.iter().map(|event| event.stored_len()).sum();
        assert!(bytes <= PAGE_BYTES_MAX && page.events.len() == 4, "{order:?} {bytes}");
        assert_eq!(page.scanned, page.events[3].position.seq);
        assert_eq!(log.pages(Read { order, ..log.read() }).await.len(), 9);
    }
}

pub async fn a_page_looks_at_a_bounded_number_of_events(engine: impl Setup) {
    let log = engine.start(Retention::default());
    for _ in 0..3 {
        log.store
            .log
            .append(Append::new((0..10_000).map(|_| event("hay")).collect()))
            .await
            .expect("appended");
    }
    log.append(&["needle"]).await;
    let needle = Filter::new(Vec::new(), Vec::new(), Priority::Min, Some("needle")).expect("few");
    let page = log.page(Read { filter: needle.clone(), ..log.read() }).await;
    assert_eq!((page.events.len(), page.scanned), (0, PAGE_SCAN_MAX));
    assert_eq!(messages(&log.pages(Read { filter: needle.clone(), ..log.read() }).await), ["needle"]);
    let page = log.page(Read { filter: needle, order: Order::Newest, ..log.read() }).await;
    assert_eq!((page.events.len(), page.scanned), (1, 30_002 - PAGE_SCAN_MAX));
}

pub async fn a_sparse_channel_is_read_without_looking_at_the_rest(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let mut expected = Vec::new();
    for _ in 0..5 {
        log.store
            .log
            .append(Append::new((0..9_000).map(|_| event("hay")).collect()))
            .await
            .expect("appended");
        expected.push(log.append_to("rare.one", "needle").await);
        expected.push(log.append_to("rare.two", "needle").await);
    }
    // One page covers all 45,000 events, although it looks at 20,000 at most.
    for filter in [patterns(&["rare.one", "rare.two"]), patterns(&["rare.*"])] {
        let page = log.page(Read { filter: filter.clone(), ..log.read() }).await;
        assert_eq!((seqs(&page.events), page.scanned), (expected.clone(), 45_010));
        let page = log.page(Read { filter, order: Order::Newest, limit: 3, ..log.read() }).await;
        assert_eq!(seqs(&page.events), expected.iter().rev().take(3).copied().collect::<Vec<_>>());
    }
}
