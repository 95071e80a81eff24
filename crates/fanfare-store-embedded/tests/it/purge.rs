//! Purging, in the file: no byte of a purged event is left in it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Json, NewEvent};
use fanfare_store::retention::FORGET_LEN_MAX;
use fanfare_store::{
    Append, AttemptRow, DeliveryChange, DeliveryRow, DeliveryStatus, Error, NEW_CHANNELS_MAX,
    PURGED_CHANNELS_MAX, Purge, Retention, Store, WebhookRow,
};
use fanfare_store_embedded::{Embedded, maintenance};
use fanfare_store_suite::harness::{at, event, extent, read_all, read_pages, seqs};
use fanfare_store_suite::hooks::id;

/// The secret that must no longer be found.
const SECRET: &str = "hush-4f1d9c";

fn open(directory: &Path, retention: Retention) -> Store {
    Store::new(Embedded::open(&directory.join("log.db"), retention).expect("it opens"))
}

/// Counts the secret in the files of the log.
fn found(directory: &Path) -> usize {
    let files = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("a file").path());
    let count = |path| {
        let bytes = fs::read(path).expect("read");
        bytes.windows(SECRET.len()).filter(|bytes| *bytes == SECRET.as_bytes()).count()
    };
    files.map(count).sum()
}

/// An event with the secret in each long member; `len` bytes of it in the message.
fn leak(channel: &str, len: usize) -> NewEvent {
    NewEvent {
        channel: channel.parse().expect("a channel"),
        key: Some(SECRET.parse().expect("a key")),
        data: Some(Json::parse(format!("{{\"token\":\"{SECRET}\"}}")).expect("JSON")),
        ..event(&SECRET.repeat(1 + len / SECRET.len()))
    }
}

async fn append(store: &Store, events: Vec<NewEvent>) {
    store.log.append(Append::new(events)).await.expect("appended");
}

#[tokio::test]
async fn what_was_purged_leaves_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let store = open(directory, Retention::default());
    // Short and long ones, among others, over many pages; and so that all of them were in the write-ahead log.
    for round in 0..200_usize {
        let len = [10, 300, 3_000, 20_000][round % 4];
        append(&store, vec![event("x"), leak("leak", len), leak("fine", 5), event(&"y".repeat(round * 7))])
            .await;
    }
    let before = found(directory);
    assert!(before > 200 * 6, "{before}");
    let what = Purge::Channel("leak".parse().expect("a channel"));
    let purged = store.purge(&what).await.expect("purged").expect("there are some");
    assert_eq!((purged.events, purged.has_remains), (200, false));
    // Only the events of the other channel are left: message, key and `data` of each, once.
    assert_eq!(found(directory), 200 * 3);
    for seq in (3..=800).step_by(4) {
        store.purge(&Purge::Event(at(&store, seq))).await.expect("purged").expect("it is there");
    }
    assert_eq!(found(directory), 0);
    store.engine.close().await;
    assert_eq!(found(directory), 0);
    let store = open(directory, Retention::default());
    assert_eq!(extent(&store), (1, 800));
    assert_eq!(seqs(&read_pages(&store, read_all(&store)).await).len(), 400);
    store.engine.close().await;
}

#[tokio::test]
async fn what_was_purged_is_neither_damaged_nor_exported_and_a_backup_has_none_of_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let store = open(directory.path(), Retention::default());
    for channel in ["leak", "fine", "leak"] {
        append(&store, vec![leak(channel, 10)]).await;
    }
    append(&store, vec![event("x")]).await;
    store.purge(&Purge::Event(at(&store, 2))).await.expect("purged").expect("it is there");
    let what = Purge::Channel("leak".parse().expect("a channel"));
    store.purge(&what).await.expect("purged").expect("there are some");
    store.log.forget_channels(Vec::new()).await.expect("what has no events is forgotten");
    let watch: maintenance::Watch = Arc::new(|_| true);
    let report = maintenance::check(&path, &watch).expect("checked");
    assert!(report.is_whole() && report.events() == 4, "{report:?}");
    let mut exported = Vec::new();
    let done = maintenance::export(&path, None, |event, _| -> Result<(), maintenance::Error> {
        exported.push(event.position.seq);
        Ok(())
    });
    assert_eq!((exported, done.expect("exported").damaged), (vec![4], 0));
    let kept = tempfile::tempdir().expect("a directory");
    let backup = maintenance::backup(&path, &kept.path().join("log.db"), false, &watch).expect("backed up");
    assert!(backup.report.is_whole(), "{backup:?}");
    assert_eq!(found(kept.path()), 0);
    store.engine.close().await;
}

#[tokio::test]
async fn what_was_purged_leaves_what_is_kept_for_deliveries_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let store = open(directory, Retention { count: 1, ..Retention::default() });
    let webhook = WebhookRow {
        id: id(0),
        owner: fanfare_core::Principal::local().owner(),
        name: None,
        url: "http://127.0.0.1/".into(),
        settings: "{}".into(),
        state: "{}".into(),
        revision: 1,
        cursor: at(&store, 0),
        created: fanfare_core::Timestamp::from_micros(0),
    };
    store.ledger.insert_webhook(webhook).await.expect("registered");
    let appended = store.log.append(Append::new(vec![leak("leak", 9_000)])).await.expect("appended");
    let row = DeliveryRow {
        webhook: id(0),
        event: appended[0].event.clone(),
        attempts: 1,
        status: DeliveryStatus::Waiting(appended[0].event.timestamp.after(Duration::from_secs(30))),
        failure: "timeout".into(),
        batch: None,
    };
    let attempt = AttemptRow {
        id: 0,
        webhook: id(0),
        position: at(&store, 1),
        last_seq: 1,
        number: 1,
        at: appended[0].event.timestamp,
        is_delivered: false,
        status: None,
        outcome: "timeout".into(),
        detail: format!("{{\"answer\":\"{}\"}}", SECRET.repeat(2_000)).into(),
    };
    let changes = vec![DeliveryChange::Put(row), DeliveryChange::Attempt(attempt)];
    store.ledger.record(Vec::new(), changes).await.expect("recorded");
    append(&store, vec![event("x")]).await;
    while store.sweep().await.expect("swept").has_more {}
    assert_eq!(extent(&store), (2, 2));
    assert!(found(directory) > 1_000);
    let purged =
        store.purge(&Purge::Event(at(&store, 1))).await.expect("purged").expect("a delivery needs it");
    assert_eq!((purged.events, purged.deliveries, purged.attempts), (0, 1, 1));
    assert_eq!(found(directory), 0);
    store.engine.close().await;
}

#[tokio::test]
async fn pages_that_an_interrupted_purge_has_taken_are_free_after_the_next_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    open(directory.path(), Retention::default()).engine.close().await;
    let look = |sql| {
        let conn = rusqlite::Connection::open(&path).expect("a database");
        conn.query_row(sql, (), |row| row.get::<_, i64>(0)).expect("a number")
    };
    let conn = rusqlite::Connection::open(&path).expect("a database");
    for _ in 0..3 {
        conn.execute("INSERT INTO zeros VALUES (NULL, zeroblob(?1))", [1_000_000]).expect("taken");
    }
    conn.close().expect("closed");
    let free = look("PRAGMA freelist_count");
    open(directory.path(), Retention::default()).engine.close().await;
    assert_eq!(look("SELECT count(*) FROM zeros"), 0);
    assert!(look("PRAGMA freelist_count") > free + 3_000_000 / 4_096, "{free} before");
}

#[tokio::test]
async fn another_program_that_reads_the_file_is_told_of() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), Retention::default());
    append(&store, vec![leak("leak", 10)]).await;
    let other = rusqlite::Connection::open(directory.path().join("log.db")).expect("a reader");
    other.execute_batch("BEGIN; SELECT count(*) FROM events").expect("it reads");
    let seen: i64 = other.query_row("SELECT count(*) FROM events", (), |row| row.get(0)).expect("a number");
    let what = Purge::Event(at(&store, 1));
    let purged = store.purge(&what).await.expect("purged").expect("it is there");
    assert_eq!((seen, purged.events, purged.has_remains), (1, 1, true));
    assert!(found(directory.path()) > 0);
    // A channel stays until nothing remains, so that the request can be repeated.
    append(&store, vec![leak("leak", 10)]).await;
    let channel = Purge::Channel("leak".parse().expect("a channel"));
    for events in [1, 0] {
        let purged = store.purge(&channel).await.expect("purged").expect("it is there");
        assert_eq!((purged.events, purged.has_remains), (events, true));
    }
    other.execute_batch("COMMIT").expect("it ends");
    let again = store.purge(&what).await.expect("purged").expect("it is there");
    assert_eq!((again.events, again.has_remains), (0, false));
    assert_eq!(found(directory.path()), 0);
    let again = store.purge(&channel).await.expect("purged").expect("it is there");
    assert_eq!((again.events, again.has_remains), (0, false));
    assert_eq!(store.purge(&channel).await.expect("purged"), None);
    store.engine.close().await;
}

#[tokio::test]
async fn the_names_of_purged_channels_are_bounded() {
    let directory = tempfile::tempdir().expect("a directory");
    let on = |name: &str| NewEvent { channel: name.parse().expect("a channel"), ..event("x") };
    let store = open(directory.path(), Retention::default());
    let names: Vec<_> = (1..PURGED_CHANNELS_MAX).map(|index| format!("purged.{index}")).collect();
    for names in names.chunks(NEW_CHANNELS_MAX) {
        append(&store, names.iter().map(|name| on(name)).collect()).await;
    }
    append(&store, vec![on("old")]).await;
    store.engine.close().await;
    // As a purge of each leaves them, which takes three commits.
    let conn = rusqlite::Connection::open(directory.path().join("log.db")).expect("it opens");
    conn.execute_batch(
        "UPDATE channels SET events = 0 WHERE name <> 'old'; UPDATE events SET purged = 1 WHERE channel <>
             (SELECT id FROM channels WHERE name = 'old')",
    )
    .expect("changed");
    conn.close().expect("closed");

    let store = open(directory.path(), Retention { count: 2, ..Retention::default() });
    append(&store, vec![on("a"), on("b")]).await;
    for name in ["a", "b"] {
        let what = Purge::Channel(name.parse().expect("a channel"));
        let purged = store.purge(&what).await.expect("purged").expect("it is there");
        assert_eq!(purged.events, 1);
    }
    let refused = store.log.append(Append::new(vec![on("new")])).await;
    assert!(matches!(refused, Err(Error::TooManyPurgedChannels { .. })), "{refused:?}");
    append(&store, vec![on("old"), on("old")]).await;

    // Once retention has removed the events, the names go in small parts: others push in between.
    while store.sweep().await.expect("swept").has_more {}
    let commits = store.engine.commits();
    store.log.forget_channels(Vec::new()).await.expect("forgotten");
    let parts = (PURGED_CHANNELS_MAX as u64 + 1).div_ceil(FORGET_LEN_MAX);
    assert_eq!(store.engine.commits() - commits, parts);
    append(&store, vec![on("new")]).await;
    store.engine.close().await;
}
