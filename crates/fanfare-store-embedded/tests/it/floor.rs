//! Spared events in a file: maintenance finds them, and damage to one of them is told from a hole.

use std::path::Path;
use std::sync::Arc;

use fanfare_core::{NewEvent, Timestamp};
use fanfare_runtime::clock;
use fanfare_store::{Append, Order, Read, Retention, Store};
use fanfare_store_embedded::{Embedded, maintenance};
use fanfare_store_suite::damage::flip_a_bit;
use fanfare_store_suite::harness::{event, messages, patterns, read_all, read_pages, seqs};

/// Number of events that are kept.
const KEPT: u64 = 100;

/// Number of quiet channels, each with two events that are spared.
const CHANNELS: u64 = 20;

fn open(path: &Path, floor: u64) -> Store {
    let retention = Retention { count: KEPT, floor, ..Retention::default() };
    Store::new(Embedded::open(path, retention).expect("it opens"))
}

async fn append(store: &Store, channel: &str, messages: impl Iterator<Item = String>) {
    let channel: fanfare_core::Channel = channel.parse().expect("a channel");
    let on = |message: String| NewEvent { channel: channel.clone(), ..event(&message) };
    store.log.append(Append::new(messages.map(on).collect())).await.expect("appended");
    while store.sweep().await.expect("swept").has_more {}
}

/// Fills a log: three events on each quiet channel, then a flood.
async fn filled(path: &Path) -> Store {
    let store = open(path, 2);
    for round in 0..3 {
        for channel in 0..CHANNELS {
            let message = format!("round {round} of {channel}.");
            append(&store, &format!("quiet.{channel}"), std::iter::once(message)).await;
        }
    }
    append(&store, "flood", (0..3_000).map(|_| "x".to_owned())).await;
    assert_eq!((store.head().spared, store.head().events()), (2 * CHANNELS, KEPT));
    store
}

fn exported(path: &Path, since: Option<Timestamp>) -> (Vec<u64>, u64) {
    let mut found = Vec::new();
    let done = maintenance::export(path, since, |event, _| {
        found.push(event.position.seq);
        Ok::<_, maintenance::Error>(())
    });
    (found, done.expect("exported").damaged)
}

#[tokio::test]
async fn maintenance_finds_what_is_spared() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let store = filled(&path).await;
    let kept = seqs(&read_pages(&store, read_all(&store)).await);
    assert_eq!(kept.len() as u64, KEPT);
    assert_eq!(exported(&path, None), (kept.clone(), 0));
    assert_eq!(exported(&path, Some(Timestamp::from_micros(0))).0, kept);
    assert!(exported(&path, Some(clock::now())).0.is_empty());
    store.engine.close().await;

    let report = maintenance::check(&path, &(Arc::new(|_| true) as maintenance::Watch)).expect("checked");
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.events(), report.oldest, report.spared), (KEPT, kept[0], 2 * CHANNELS));
    let examined = maintenance::examine(&path).expect("examined");
    assert_eq!((examined.events, examined.looked_at, examined.damaged), (KEPT, KEPT, 0));

    // A copy has them as well, and goes on sparing.
    let (backup, target) = (directory.path().join("backup.db"), directory.path().join("copy.db"));
    let watch: maintenance::Watch = Arc::new(|_| true);
    maintenance::backup(&path, &backup, false, &watch).expect("backed up");
    maintenance::restore(&backup, &target, clock::now(), &watch).expect("restored");
    let copy = open(&target, 2);
    assert_eq!(seqs(&read_pages(&copy, read_all(&copy)).await), kept);
    append(&copy, "quiet.7", std::iter::once("newer".to_owned())).await;
    let read = Read { filter: patterns(&["quiet.7"]), ..read_all(&copy) };
    assert_eq!(messages(&read_pages(&copy, read).await), ["round 2 of 7.", "newer"]);
    copy.engine.close().await;
}

#[tokio::test]
async fn a_spared_event_that_is_damaged_is_passed_over_and_reported() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    filled(&path).await.engine.close().await;
    flip_a_bit(&path, "round 1 of 7.");
    let conn = rusqlite::Connection::open(&path).expect("a database");
    let lost = "DELETE FROM events WHERE message = 'round 1 of 9.'";
    assert_eq!(conn.execute(lost, ()).expect("lost"), 1);
    conn.close().expect("closed");

    let report = maintenance::check(&path, &(Arc::new(|_| true) as maintenance::Watch)).expect("checked");
    assert_eq!((report.damaged_events, report.events()), (2, KEPT));
    assert_eq!(exported(&path, None).1, 2);
    let store = open(&path, 2);
    for order in [Order::Oldest, Order::Newest] {
        let mut read = Read { order, filter: patterns(&["quiet.7", "quiet.9"]), ..read_all(&store) };
        let (mut events, mut damaged) = (0, 0);
        while read.after < read.until.min(store.head().last) {
            let page = store.log.read(read.clone()).await.expect("a page");
            events += page.events.len();
            damaged += page.gone.map_or(0, |gone| gone.count);
            match order {
                Order::Oldest => read.after = page.scanned,
                Order::Newest => read.until = page.scanned - 1,
            }
        }
        assert_eq!((events, damaged), (2, 2), "{order:?}");
    }
    // It does not keep what is newer from being removed.
    append(&store, "quiet.7", ["a", "b"].map(str::to_owned).into_iter()).await;
    let read = Read { filter: patterns(&["quiet.7"]), ..read_all(&store) };
    assert_eq!(messages(&read_pages(&store, read).await), ["a", "b"]);
    store.engine.close().await;
    let rest = open(&path, 0);
    while rest.sweep().await.expect("swept").has_more {}
    assert_eq!(rest.head().spared, 0);
    rest.engine.close().await;
    let report = maintenance::check(&path, &(Arc::new(|_| true) as maintenance::Watch)).expect("checked");
    assert!(report.is_whole(), "{report:?}");
}

#[tokio::test]
async fn a_start_with_spared_events_removes_none_that_should_stay() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    filled(&path).await.engine.close().await;
    let store = open(&path, 2);
    // Nothing is due, whatever is spared.
    let swept = store.sweep().await.expect("swept");
    assert_eq!((swept.events, swept.has_more), (0, false));
    // Of which channels the spared events are is known again when they get another.
    for channel in 0..CHANNELS {
        append(&store, &format!("quiet.{channel}"), std::iter::once("newer".to_owned())).await;
    }
    assert_eq!((store.head().spared, store.head().events()), (CHANNELS, KEPT));
    store.engine.close().await;
}
