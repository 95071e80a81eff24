//! Originals in the file: what copies it carries them, what is purged leaves it, and damage to one is found.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use fanfare_core::{Event, HttpMessage, Original, Position, Received, Timestamp};
use fanfare_store::{Append, Purge, Retention, Store};
use fanfare_store_embedded::{Embedded, maintenance};
use fanfare_store_suite::damage::flip_a_bit;
use fanfare_store_suite::harness::{at, event, read_all, read_pages};
use fanfare_store_suite::originals::received;

/// The secret that must no longer be found.
const SECRET: &str = "hush-7b2e51";

fn open(path: &Path) -> Store {
    Store::new(Embedded::open(path, Retention::default()).expect("it opens"))
}

fn unwatched() -> maintenance::Watch {
    Arc::new(|_| true)
}

/// Counts the secret in the files of a directory.
fn found(directory: &Path) -> usize {
    let files = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("a file").path());
    let count = |path| {
        let bytes = fs::read(path).expect("read");
        bytes.windows(SECRET.len()).filter(|bytes| *bytes == SECRET.as_bytes()).count()
    };
    files.map(count).sum()
}

async fn append(store: &Store, messages: &[&str], body: &str) {
    let events = messages.iter().map(|message| event(message)).collect();
    store.log.append(Append::new(events).received_as(Some(received(body)))).await.expect("appended");
}

async fn body(store: &Store, event: Position) -> Option<String> {
    let message = store.log.original(event).await.expect("read")?;
    Some(String::from_utf8(message.parts().body.to_vec()).expect("text"))
}

#[tokio::test]
async fn what_was_purged_leaves_no_byte_of_its_original() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let store = open(&directory.join("log.db"));
    // Short and long ones over many pages, and so that all of them were in the write-ahead log.
    for round in 0..100_usize {
        let len = [1, 30, 300, 1_000, 10_000][round % 5];
        append(&store, &["first", "second"], &SECRET.repeat(len)).await;
        append(&store, &["third"], &"y".repeat(round * 70)).await;
    }
    assert!(found(directory) > 20 * 11_000, "they are in the file");
    for round in 0..100 {
        // Each of the two events in turn, also the one that the request is not kept with.
        let seq = round * 3 + 1 + round % 2;
        let purged = store.purge(&Purge::Event(at(&store, seq))).await.expect("purged").expect("it is there");
        assert_eq!((purged.events, purged.has_remains), (1, false));
    }
    assert_eq!(found(directory), 0);
    store.engine.close().await;
    assert_eq!(found(directory), 0);
    let report = maintenance::check(&directory.join("log.db"), &unwatched()).expect("checked");
    assert!(report.is_whole(), "{report:?}");
    let store = open(&directory.join("log.db"));
    assert_eq!(read_pages(&store, read_all(&store)).await.len(), 200);
    assert_eq!(body(&store, at(&store, 300)).await.expect("it stays").len(), 99 * 70);
    store.engine.close().await;
}

#[tokio::test]
async fn what_retention_removed_leaves_the_file_with_the_next_purge() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let retention = Retention { count: 2, ..Retention::default() };
    let store = Store::new(Embedded::open(&directory.join("log.db"), retention).expect("it opens"));
    for _ in 0..20 {
        append(&store, &["x"], &SECRET.repeat(2_000)).await;
    }
    append(&store, &["a"], "").await;
    append(&store, &["b"], "").await;
    while store.sweep().await.expect("swept").has_more {}
    store.purge(&Purge::Event(at(&store, 22))).await.expect("purged").expect("it is there");
    assert_eq!(found(directory), 0);
    store.engine.close().await;
}

#[tokio::test]
async fn a_damaged_original_is_counted_and_its_event_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let store = open(&path);
    append(&store, &["one"], &format!("{SECRET} {}", "x".repeat(9_000))).await;
    append(&store, &["two"], "y").await;
    store.engine.close().await;
    flip_a_bit(&path, SECRET);
    let report = maintenance::check(&path, &unwatched()).expect("checked");
    assert_eq!((report.damaged_events, report.problems.as_slice()), (1, &[][..]));
    let store = open(&path);
    assert_eq!(body(&store, at(&store, 1)).await, None);
    assert_eq!(body(&store, at(&store, 2)).await.as_deref(), Some("y"));
    assert_eq!(store.engine.health().damaged_events, 1);
    assert_eq!(read_pages(&store, read_all(&store)).await.len(), 2);
    store.engine.close().await;
    let mut lines = 0;
    let done = maintenance::export(&path, None, |_, original| -> Result<(), maintenance::Error> {
        lines += usize::from(original.is_some());
        Ok(())
    });
    let done = done.expect("exported");
    assert_eq!((done.events, done.damaged, lines), (2, 1, 1));
}

#[tokio::test]
async fn copies_of_a_log_have_its_originals() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let store = open(&path);
    append(&store, &["one", "two"], "first").await;
    let long = Append::new(vec![event("long")]).received_as(Some(Received::TooLong));
    store.log.append(long).await.expect("appended");
    append(&store, &["four"], "second").await;
    let old = at(&store, 2);
    store.engine.close().await;

    let (backup, restored) = (directory.path().join("backup.db"), directory.path().join("restored.db"));
    maintenance::backup(&path, &backup, false, &unwatched()).expect("backed up");
    maintenance::restore(&backup, &restored, Timestamp::from_micros(0), &unwatched()).expect("restored");
    maintenance::compact(&restored, Timestamp::from_micros(0), &unwatched()).expect("compacted");
    let store = open(&restored);
    assert_ne!(store.head().epoch, old.epoch);
    for (event, expected) in [
        (at(&store, 1), Some("first")),
        (at(&store, 2), Some("first")),
        (old, Some("first")),
        (at(&store, 3), None),
    ] {
        assert_eq!(body(&store, event).await.as_deref(), expected, "{event}");
    }
    store.engine.close().await;

    // As lines, into a log that has events already.
    let mut lines: Vec<(Event, Option<HttpMessage>)> = Vec::new();
    let done = maintenance::export(&path, None, |event, original| -> Result<(), maintenance::Error> {
        lines.push((event.clone(), original.cloned()));
        Ok(())
    });
    assert_eq!(done.expect("exported").events, 4);
    let target = directory.path().join("target.db");
    let log = Embedded::open(&target, Retention::default()).expect("it opens");
    let store = Store::new(log.clone());
    append(&store, &["here"], "here").await;
    assert_eq!(log.import(lines.clone()).await.expect("imported").added, 4);
    assert_eq!(log.import(lines).await.expect("imported").known, 4);
    let with = |seq| Some(Original::With(seq));
    let events = read_pages(&store, read_all(&store)).await;
    let known: Vec<_> = events.iter().map(|event| event.original).collect();
    assert_eq!(known, [with(1), with(2), with(2), Some(Original::TooLong), with(5)]);
    for (seq, expected) in
        [(1, Some("here")), (2, Some("first")), (3, Some("first")), (4, None), (5, Some("second"))]
    {
        assert_eq!(body(&store, at(&store, seq)).await.as_deref(), expected, "{seq}");
    }
    store.purge(&Purge::Event(at(&store, 3))).await.expect("purged").expect("it is there");
    assert_eq!(body(&store, at(&store, 2)).await, None);
    store.engine.close().await;
}
