//! A full disk: the store refuses appends, still reads, and continues once there is room.

use std::fs;

use fanfare_store::{
    Append, AttemptFilter, AttemptRow, DeliveryChange, DeliveryRow, DeliveryStatus, Error, Purge,
    ReadAttempts, Retention, Store, WebhookRow,
};
use fanfare_store_embedded::{Embedded, OpenError};

use fanfare_store_suite::disk::{Disk, not_checked};
use fanfare_store_suite::harness::{at, event, read_all, read_pages, soon};
use fanfare_store_suite::hooks::id;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_appends_until_there_is_room() {
    let Some(disk) = Disk::mount("4m") else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    let path = disk.path().join("log.db");
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 2_000_000]).expect("written");
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("a new store"));
    let mut appended = 0;
    let error = loop {
        let batch = (0..20).map(|_| event(&"x".repeat(500))).collect();
        match store.log.append(Append::new(batch)).await {
            Ok(_) => appended += 20,
            Err(error) => break error,
        }
        assert!(appended < 100_000, "the disk is never full");
    };
    assert!(matches!(error, Error::DiskFull { .. }), "{error}");
    assert!(appended > 100, "{appended}");
    // It keeps refusing and reading; nothing that it refused is there.
    let refused = store.log.append(Append::new((0..200).map(|_| event(&"y".repeat(500))).collect())).await;
    assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");
    let read = read_all(&store);
    assert_eq!(read_pages(&store, read.clone()).await.len(), appended);
    assert_eq!(store.log.channels().await.expect("channels")[0].events, appended as u64);
    assert_eq!(store.head().last, appended as u64);

    fs::remove_file(&ballast).expect("removed");
    let next = store.log.append(Append::new(vec![event("room")])).await.expect("there is room again");
    assert_eq!(next[0].event.position.seq, appended as u64 + 1);
    assert_eq!(store.log.channels().await.expect("channels")[0].events, appended as u64 + 1);
    soon(store.engine.close()).await;
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("the same store"));
    let events = read_pages(&store, read).await;
    assert_eq!(events.len(), appended + 1);
    assert!(events[..appended].iter().all(|event| event.message.starts_with('x')));
    store.engine.close().await;
}

#[test]
fn a_log_that_a_full_disk_has_no_room_for_leaves_nothing() {
    let Some(disk) = Disk::mount("64k") else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    let refused = Embedded::open(&disk.path().join("log.db"), Retention::default());
    assert!(matches!(refused, Err(OpenError::DiskFull { .. })), "{refused:?}");
    let files = fs::read_dir(disk.path()).expect("a directory");
    let names: Vec<_> = files.map(|file| file.expect("a file").file_name()).collect();
    assert_eq!(names, ["log.db.lock"]);
}

#[tokio::test]
async fn a_purge_that_a_full_disk_keeps_from_ending_says_so_and_can_be_repeated() {
    let Some(disk) = Disk::mount("8m") else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    let store = Embedded::open(&disk.path().join("log.db"), Retention::default()).expect("a new store");
    let store = Store::new(store);
    // They are in the write-ahead log alone.
    for _ in 0..20 {
        store.log.append(Append::new(vec![event(&"x".repeat(30_000))])).await.expect("appended");
    }
    // What is left is enough for a few pages, not for the events.
    let ballast = disk.path().join("ballast");
    let free =
        rustix::fs::statvfs(disk.path()).map(|found| found.f_bavail * found.f_frsize).expect("its room");
    fs::write(&ballast, vec![1; free as usize - 300_000]).expect("written");
    let what = Purge::Event(at(&store, 7));
    let refused = store.purge(&what).await;
    assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");
    assert_eq!(read_pages(&store, read_all(&store)).await.len(), 19);

    fs::remove_file(&ballast).expect("removed");
    let again = store.purge(&what).await.expect("purged").expect("it is there");
    assert_eq!((again.events, again.has_remains), (0, false));
    store.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_what_a_full_disk_refuses_is_recorded() {
    let Some(disk) = Disk::mount("3m") else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    let path = disk.path().join("log.db");
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("a new store"));
    let events: Vec<_> =
        store.log.append(Append::new((0..9).map(|_| event("x")).collect())).await.expect("appended");
    let row = |number: usize| WebhookRow {
        id: id(number),
        owner: fanfare_core::Principal::local().owner(),
        name: None,
        url: format!("http://127.0.0.1/{number}").into(),
        settings: "{}".into(),
        state: "before".into(),
        revision: 1,
        cursor: at(&store, 1),
        created: fanfare_runtime::clock::now(),
    };
    store.ledger.insert_webhook(row(1)).await.expect("registered");
    let before = store.ledger.webhooks().await.expect("webhooks");
    let delivery = DeliveryRow {
        webhook: id(1),
        event: events[4].event.clone(),
        attempts: 1,
        status: DeliveryStatus::Waiting(fanfare_runtime::clock::now()),
        failure: "timeout".into(),
        batch: None,
    };
    let attempt = |len: usize| {
        DeliveryChange::Attempt(AttemptRow {
            id: 0,
            webhook: id(1),
            position: at(&store, 5),
            last_seq: 5,
            number: 1,
            at: fanfare_runtime::clock::now(),
            is_delivered: false,
            status: None,
            outcome: "timeout".into(),
            detail: "x".repeat(len).into(),
        })
    };
    let changes = |len: usize| {
        let state = DeliveryChange::State { webhook: id(1), state: "after".into() };
        let moved = DeliveryChange::Cursor { webhook: id(1), position: at(&store, 7) };
        vec![moved, state, DeliveryChange::Put(delivery.clone()), attempt(len)]
    };
    let refused = store.ledger.record(Vec::new(), changes(4_000_000)).await;
    assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");
    let refused =
        store.ledger.insert_webhook(WebhookRow { settings: "x".repeat(4_000_000).into(), ..row(2) }).await;
    assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");
    assert_eq!(store.ledger.webhooks().await.expect("webhooks"), before);
    assert_eq!(store.ledger.delivery(&id(1), at(&store, 5)).await.expect("read"), None);
    assert_eq!(store.ledger.delivery_counts().await.expect("counts")[0].waiting, 0);
    let all =
        ReadAttempts { webhook: None, seq: None, filter: AttemptFilter::default(), before: None, limit: 9 };
    assert_eq!(store.ledger.attempts(all).await.expect("attempts"), []);
    // Its url was not recorded, and it continues where it was.
    store.ledger.insert_webhook(WebhookRow { id: id(3), ..row(2) }).await.expect("registered");
    store.ledger.record(Vec::new(), changes(4)).await.expect("it fits");
    soon(store.engine.close()).await;
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("the same store"));
    let rows = store.ledger.webhooks().await.expect("webhooks");
    assert_eq!((rows.len(), rows[0].cursor.seq, &*rows[0].state), (2, 7, "after"));
    assert_eq!(store.ledger.delivery(&id(1), at(&store, 5)).await.expect("read"), Some(delivery));
    store.engine.close().await;
}
