//! Restored backups: what belongs to the original log, and what to the restored one.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fanfare_core::{Filter, Position, Timestamp};
use fanfare_store::{
    Append, DeliveryChange, DeliveryRow, DeliveryStatus, Fork, Purge, Purged, Read, Retention, Store,
    WebhookRow,
};
use fanfare_store_embedded::Embedded;
use fanfare_store_embedded::maintenance::{self, Phase, Watch};
use fanfare_store_suite::damage::flip_a_bit;
use fanfare_store_suite::disk::{Disk, not_checked};
use fanfare_store_suite::harness::{Setup, event, messages, read_all, read_pages, reader};
use fanfare_store_suite::hooks::{all_attempts, attempt, failed, hook, id, of, waiting};

use crate::contract::InAFile;

fn unwatched() -> Watch {
    Arc::new(|_| true)
}

/// Backs up the log at `path`, and restores the backup at `target`; returns the restored store.
fn copied(path: &Path, target: &Path) -> Store {
    let backup = target.with_extension("backup");
    maintenance::backup(path, &backup, false, &unwatched()).expect("backed up");
    maintenance::restore(&backup, target, Timestamp::from_micros(0), &unwatched()).expect("restored");
    let report = maintenance::check(target, &unwatched()).expect("checked");
    assert!(report.problems.is_empty(), "{report:?}");
    Store::new(Embedded::open(target, Retention::default()).expect("it opens"))
}

async fn rows(store: &Store, webhook: usize) -> Vec<DeliveryRow> {
    store.ledger.deliveries(of(webhook)).await.expect("rows")
}

#[tokio::test]
async fn positions_move_to_the_restored_log_and_deliveries_keep_their_ids() {
    let mut log = InAFile.start(Retention::default());
    log.append(&["a", "b", "c", "the one that is hit", "e"]).await;
    let ledger = log.store.ledger.clone();
    for (number, seq) in [(1, 5), (2, 3)] {
        let row = WebhookRow { cursor: log.at(seq), ..hook(&log, number) };
        ledger.insert_webhook(row).await.expect("registered");
    }
    ledger.open_reader(&reader("ann"), &Filter::all(), log.at(4)).await.expect("opened");
    let changes = vec![waiting(&log, 1, 2).await, failed(&log, 2, 1).await, waiting(&log, 1, 4).await];
    ledger.record(Vec::new(), changes).await.expect("recorded");
    let first = log.store.head().epoch;
    let directory = tempfile::tempdir().expect("a directory");
    let target = |name: &str| directory.path().join(name);
    log.reopen_after(|path| {
        // Its delivery is lost with it, but nothing else.
        let path = path.join("log.db");
        flip_a_bit(&path, "the one that is hit");
        fs::copy(&path, target("log.db")).expect("copied");
    })
    .await;

    let store = copied(&target("log.db"), &target("second.db"));
    let second = store.head().epoch;
    assert_eq!(store.head().fork, Some(Fork { from: first, at: 5 }));
    let read = read_all(&store);
    let head = store.log.append(Append::new(vec![event("new")])).await;
    assert_eq!(head.expect("appended")[0].event.position, Position { epoch: second, seq: 6 });
    let events = read_pages(&store, Read { until: 2, ..read }).await;
    assert_eq!(messages(&events), ["a", "b"]);
    let webhooks = store.ledger.webhooks().await.expect("webhooks");
    let cursors: Vec<_> = webhooks.iter().map(|row| row.cursor).collect();
    assert_eq!(cursors, [5, 3].map(|seq| Position { epoch: second, seq }));
    let found = rows(&store, 1).await;
    assert_eq!(
        found.iter().map(|row| row.event.position).collect::<Vec<_>>(),
        [Position { epoch: first, seq: 2 }]
    );
    assert_eq!(&*found[0].event.message, "b");
    let found = rows(&store, 2).await;
    assert!(matches!(found[0].status, DeliveryStatus::Failed(_)) && found[0].event.position.epoch == first);
    store.engine.close().await;

    // Once more: nothing falls far behind, even after several restores.
    let store = copied(&target("second.db"), &target("third.db"));
    let third = store.head().epoch;
    assert_eq!(store.head().fork, Some(Fork { from: second, at: 6 }));
    let webhooks = store.ledger.webhooks().await.expect("webhooks");
    assert_eq!(webhooks[0].cursor, Position { epoch: third, seq: 5 });
    let readers = store.ledger.readers().await.expect("readers");
    assert_eq!(readers[0].acknowledged, Position { epoch: third, seq: 4 });
    assert_eq!(rows(&store, 2).await[0].event.position, Position { epoch: first, seq: 1 });
    assert_eq!(store.ledger.delivery(&id(1), Position { epoch: first, seq: 4 }).await.expect("read"), None);
    store.engine.close().await;
    log.store.engine.close().await;
}

#[tokio::test]
async fn what_is_purged_after_a_restore_is_gone_under_each_of_its_ids() {
    const SECRET: &str = "hush-4f1d9c";
    let mut log = InAFile.start(Retention::default());
    log.append(&["a", SECRET, SECRET, "d"]).await;
    let ledger = log.store.ledger.clone();
    ledger.insert_webhook(hook(&log, 1)).await.expect("registered");
    let mut changes = Vec::new();
    for seq in 1..=4 {
        changes.extend([waiting(&log, 1, seq).await, attempt(&log, 1, seq, false)]);
    }
    let late = waiting(&log, 1, 2).await;
    ledger.record(Vec::new(), changes).await.expect("recorded");
    let first = log.store.head().epoch;
    let directory = tempfile::tempdir().expect("a directory");
    let target = |name: &str| directory.path().join(name);
    log.reopen_after(|path| {
        fs::copy(path.join("log.db"), target("log.db")).expect("copied");
    })
    .await;
    copied(&target("log.db"), &target("second.db")).engine.close().await;
    let store = copied(&target("second.db"), &target("third.db"));
    let third = store.head().epoch;

    let named = store.log.names(Position { epoch: first, seq: 3 });
    assert!(named.len() == 3 && named.contains(&Position { epoch: third, seq: 3 }), "{named:?}");
    let purge = async |epoch, seq| store.purge(&Purge::Event(Position { epoch, seq })).await.expect("purged");
    let removed = Purged { events: 1, deliveries: 1, attempts: 1, ..Purged::default() };
    assert_eq!(purge(third, 2).await, Some(removed), "by the id in the restored log");
    assert_eq!(purge(first, 3).await, Some(removed), "by the id that the receiver knows");
    for (epoch, seq) in [(first, 2), (third, 3)] {
        assert_eq!(purge(epoch, seq).await, Some(Purged::default()), "it is gone already");
    }
    // A retry that was under way.
    let DeliveryChange::Put(mut late) = late else { panic!("it is a row") };
    late.attempts = 2;
    store.ledger.record(Vec::new(), vec![DeliveryChange::Put(late)]).await.expect("recorded");
    let left: Vec<_> = rows(&store, 1).await.iter().map(|row| row.event.position).collect();
    assert_eq!(left, [1, 4].map(|seq| Position { epoch: first, seq }));
    let attempts = store.ledger.attempts(all_attempts()).await.expect("attempts");
    assert_eq!(attempts.iter().map(|row| row.position.seq).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(messages(&read_pages(&store, read_all(&store)).await), ["a", "d"]);
    store.engine.close().await;
    let file = fs::read(target("third.db")).expect("a file");
    assert!(!file.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()), "it is in the file");
    log.store.engine.close().await;
}

#[tokio::test]
async fn a_backup_of_an_earlier_version_is_upgraded() {
    let directory = tempfile::tempdir().expect("a directory");
    let (backup, path) = (directory.path().join("backup.db"), directory.path().join("log.db"));
    let conn = rusqlite::Connection::open(&backup).expect("a database");
    conn.execute_batch(include_str!("upgrade/version_8.sql")).expect("written");
    conn.close().expect("closed");
    let now = Timestamp::from_micros(1_796_032_800_000_000);
    let error = maintenance::check(&backup, &unwatched()).expect_err("it has no rows to check yet");
    assert!(matches!(error, maintenance::Error::Old { .. }), "{error}");
    let restored = maintenance::restore(&backup, &path, now, &unwatched()).expect("restored");
    assert_eq!((restored.before.as_str(), restored.report.last), ("7rlu8r6e", 5));
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("it opens"));
    let readers = store.ledger.readers().await.expect("readers");
    assert_eq!(readers[0].acknowledged, store.head().position());
    store.engine.close().await;
}

#[tokio::test]
async fn a_damaged_log_is_named_where_its_copy_shows_the_damage() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, target) = (directory.path().join("log.db"), directory.path().join("backup.db"));
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("a new store"));
    store.log.append(Append::new(vec![event("x")])).await.expect("appended");
    store.engine.close().await;
    let conn = rusqlite::Connection::open(&path).expect("a database");
    conn.execute_batch("DELETE FROM channel_blocks").expect("damaged");
    conn.close().expect("closed");
    let backup = maintenance::backup(&path, &target, false, &unwatched()).map(|_| ());
    let compacted = maintenance::compact(&path, Timestamp::from_micros(0), &unwatched()).map(|_| ());
    fs::copy(&path, &target).expect("copied");
    let restored = directory.path().join("restored.db");
    let restored =
        maintenance::restore(&target, &restored, Timestamp::from_micros(0), &unwatched()).map(|_| ());
    for (done, named) in [(backup, &path), (compacted, &path), (restored, &target)] {
        assert!(matches!(&done, Err(maintenance::Error::Damaged { path, .. }) if path == named), "{done:?}");
    }
}

#[test]
fn work_that_is_stopped_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    drop(Embedded::open(&path, Retention::default()).expect("a new store"));
    let stopped: Watch = Arc::new(|_| false);
    let target = directory.path().join("backup.db");
    maintenance::backup(&path, &target, false, &unwatched()).expect("backed up");
    let restored = directory.path().join("restored.db");
    let error = maintenance::restore(&target, &restored, Timestamp::from_micros(0), &stopped);
    assert!(matches!(error, Err(maintenance::Error::Interrupted)), "{error:?}");
    let mut names: Vec<_> = fs::read_dir(directory.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.ends_with(".lock") && !name.starts_with("log.db-"))
        .collect();
    names.sort();
    assert_eq!(names, ["backup.db", "log.db"]);
}

#[tokio::test]
async fn a_check_can_be_stopped_after_its_events() {
    const EVENTS: u64 = 20_000;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("a new store"));
    for _ in 0..EVENTS / 2_000 {
        store.log.append(Append::new((0..2_000).map(|_| event("x")).collect())).await.expect("appended");
    }
    let checked = Arc::new(AtomicU64::new(0));
    let watch: Watch = Arc::new(move |progress| match progress.phase {
        Phase::CheckingEvents => {
            checked.store(progress.done, Ordering::Relaxed);
            true
        }
        Phase::CheckingStructure | Phase::Copying => checked.load(Ordering::Relaxed) < EVENTS / 2,
    });
    let stopped = maintenance::check(&path, &watch);
    assert!(matches!(stopped, Err(maintenance::Error::Interrupted)), "{stopped:?}");
    store.engine.close().await;
}

/// The gateway keeps writing while its log is copied, and its write-ahead log cannot start over.
#[tokio::test]
async fn a_backup_gives_way_before_it_fills_the_disk_of_the_log() {
    let Some(disk) = Disk::mount("48m") else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    let path = disk.path().join("log.db");
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("a new store"));
    for _ in 0..40 {
        store.log.append(Append::new((0..1_000).map(|_| event("x")).collect())).await.expect("appended");
    }
    let pushed = Arc::new(AtomicU64::new(0));
    let (log, count) = (store.log.clone(), pushed.clone());
    // Each report of progress while it copies waits for pushes.
    let runtime = tokio::runtime::Handle::current();
    let watch: Watch = Arc::new(move |progress| {
        let batches = if progress.phase == Phase::Copying { 3 } else { 0 };
        for _ in 0..batches {
            let batch = (0..10).map(|_| event(&"x".repeat(200_000))).collect();
            runtime.block_on(log.append(Append::new(batch))).expect("the disk is not full");
            count.fetch_add(1, Ordering::Relaxed);
        }
        true
    });
    let (directory, source) = (tempfile::tempdir().expect("a directory"), path.clone());
    let target = directory.path().join("backup.db");
    let backup = tokio::task::spawn_blocking(move || maintenance::backup(&source, &target, false, &watch));
    let refused = backup.await.expect("an end");
    assert!(matches!(refused, Err(maintenance::Error::NoRoom { .. })), "{refused:?}");
    assert!(pushed.load(Ordering::Relaxed) > 5, "it goes on while there is room");
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0, "nothing is left");
    store.log.append(Append::new(vec![event("after")])).await.expect("there is room");
    store.engine.close().await;
}
