//! Files of earlier versions: they are brought up to date, and keep what they have.

use std::path::Path;

use fanfare_core::{Priority, Timestamp};
use fanfare_store::{Append, Clock, Retention, Store};
use fanfare_store_embedded::Embedded;

use fanfare_store_suite::harness::{event, extent, keyed, messages, read_all, read_pages};
use fanfare_store_suite::hooks::id;

/// As it was written; never made anew from the code.
const VERSION_1: &str = include_str!("upgrade/version_1.sql");

/// Shortly after the events were pushed.
fn now() -> Timestamp {
    Timestamp::from_micros(1_795_274_600_000_000)
}

fn version(path: &Path) -> i64 {
    let conn = rusqlite::Connection::open(path).expect("a database");
    conn.query_row("PRAGMA user_version", (), |row| row.get(0)).expect("a number")
}

#[tokio::test]
async fn a_file_of_version_1_gets_webhooks_and_keeps_the_rest() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let conn = rusqlite::Connection::open(&path).expect("a database");
    conn.execute_batch(VERSION_1).expect("written");
    conn.close().expect("closed");
    assert_eq!(version(&path), 1);

    let open = || {
        let store = Embedded::open_with_clock(&path, Retention::default(), Clock::new(now));
        Store::new(store.expect("it opens"))
    };
    let store = open();
    // The head of the file says so at once: an older program refuses it, whatever happens to the write-ahead log.
    let head = std::fs::read(&path).expect("read");
    assert_eq!(head[60..64], [0, 0, 0, 2]);
    assert_eq!(store.head().epoch.as_str(), "fzv2we1b");
    assert_eq!(extent(&store), (1, 3));
    let events = read_pages(&store, read_all(now())).await;
    assert_eq!(messages(&events), ["one", "two\nlines", "three"]);
    assert_eq!((events[1].channel.as_str(), events[1].priority), ("builds.web", Priority::High));
    let readers = store.ledger.readers().await.expect("readers");
    assert_eq!((readers.len(), readers[0].name.as_str(), readers[0].acknowledged), (1, "ann", 3));
    assert!(store.log.append(Append::new(vec![keyed("x", "once")])).await.expect("appended")[0].repeated);

    assert_eq!(store.ledger.webhooks().await.expect("webhooks"), []);
    let row = fanfare_store::WebhookRow {
        id: id(1),
        url: "http://127.0.0.1/".into(),
        settings: "{}".into(),
        state: "{}".into(),
        cursor: 1,
        created: now(),
    };
    store.ledger.put_webhook(row.clone()).await.expect("registered");
    store.log.append(Append::new(vec![event("four")])).await.expect("appended");
    store.engine.close().await;
    let store = open();
    assert_eq!(store.ledger.webhooks().await.expect("webhooks"), [row]);
    assert_eq!(store.head().last, 4);
    store.engine.close().await;
    assert_eq!(version(&path), 2);
}
