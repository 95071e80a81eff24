//! Importing the events of another log, as history.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Arrival, Event, HttpMessage, NewEvent, Position, Timestamp};
use fanfare_store::{Append, CHANNELS_MAX, Clock, Error, NEW_CHANNELS_MAX, Retention, Store};
use fanfare_store_embedded::Embedded;
use fanfare_store_suite::harness::{event, extent, messages, read_all, read_pages};

fn now() -> Timestamp {
    Timestamp::from_micros(1_795_274_600_000_000)
}

fn open(directory: &tempfile::TempDir) -> Arc<Embedded> {
    let clock = Clock::with_wall(now);
    Embedded::open_with_clock(&directory.path().join("log.db"), Retention::default(), clock)
        .expect("it opens")
}

fn foreign(id: &str, age: Duration) -> (Event, Option<HttpMessage>) {
    let position: Position = id.parse().expect("a position");
    (event(id).into_event(position, now().before(age)), None)
}

#[tokio::test]
async fn old_events_move_neither_the_clock_nor_each_other() {
    const DAY: Duration = Duration::from_secs(86_400);
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(&directory);
    log.import(vec![foreign("aaaaaaaa-1", 3 * DAY), foreign("aaaaaaaa-2", 4 * DAY)]).await.expect("imported");
    Store::new(log.clone()).log.append(Append::new(vec![event("here")])).await.expect("appended");
    // Any order, and again.
    let more =
        vec![foreign("aaaaaaaa-9", DAY), foreign("aaaaaaaa-2", 4 * DAY), foreign("aaaaaaaa-8", 30 * DAY)];
    let done = log.import(more).await.expect("imported");
    assert_eq!((done.added, done.known), (2, 1));
    let done = log
        .import(vec![foreign("aaaaaaaa-8", 30 * DAY), foreign("bbbbbbbb-8", DAY)])
        .await
        .expect("imported");
    assert_eq!((done.added, done.known), (1, 1));

    for _ in 0..2 {
        let store = Store::new(open_again(log.clone(), &directory).await);
        assert_eq!(extent(&store), (1, 6));
        let events = read_pages(&store, read_all(&store)).await;
        assert_eq!(
            messages(&events),
            ["aaaaaaaa-1", "aaaaaaaa-2", "here", "aaaaaaaa-9", "aaaaaaaa-8", "bbbbbbbb-8"]
        );
        assert!(events.is_sorted_by_key(|event| event.arrival));
        assert_eq!(events[4].timestamp, now().before(30 * DAY));
        assert_eq!(events[0].arrival, Arrival::from(now().before(3 * DAY)), "retention counts from there");
        let ahead = store.log.now().as_micros() - now().as_micros();
        assert!((0..60_000_000).contains(&ahead), "{ahead} µs ahead");
        store.engine.close().await;
    }
}

#[tokio::test]
async fn an_import_of_too_many_channels_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(&directory);
    let store = Store::new(log.clone());
    let names: Vec<_> = (1..CHANNELS_MAX).map(|index| format!("c{index}")).collect();
    for names in names.chunks(NEW_CHANNELS_MAX) {
        let on = |name: &String| NewEvent { channel: name.parse().expect("a channel"), ..event("x") };
        store.log.append(Append::new(names.iter().map(on).collect())).await.expect("appended");
    }
    let on = |id: &str, name: &str| {
        let (event, original) = foreign(id, Duration::from_secs(60));
        (Event { channel: name.parse().expect("a channel"), ..event }, original)
    };
    let before = extent(&store);
    let refused = log.import(vec![on("aaaaaaaa-1", "new.1"), on("aaaaaaaa-2", "new.2")]).await;
    assert!(matches!(refused, Err(Error::TooManyChannels { .. })), "{refused:?}");
    assert_eq!(extent(&store), before);

    // There is room for one.
    let one = vec![on("aaaaaaaa-1", "new.1"), on("aaaaaaaa-3", "new.1"), on("aaaaaaaa-1", "new.1")];
    let done = log.import(one).await.expect("imported");
    assert_eq!((done.added, done.known), (2, 1));
    let refused = log.import(vec![on("aaaaaaaa-2", "new.2")]).await;
    assert!(matches!(refused, Err(Error::TooManyChannels { .. })), "{refused:?}");
    assert_eq!(extent(&store), (before.0, before.1 + 2));
    store.engine.close().await;
}

async fn open_again(log: Arc<Embedded>, directory: &tempfile::TempDir) -> Arc<Embedded> {
    Store::new(log).engine.close().await;
    open(directory)
}
