//! Exporting the events of a log.

use std::path::Path;
use std::time::Duration;

use fanfare_core::Timestamp;
use fanfare_runtime::clock;
use fanfare_store::{Append, Clock, Retention, Store};
use fanfare_store_embedded::{Embedded, maintenance};
use fanfare_store_suite::harness::event;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Appends an event while the time of day is `now`.
async fn append(path: &Path, now: Timestamp, message: &str) {
    let clock = Clock::with_wall(move || now);
    let store = Embedded::open_with_clock(path, Retention::default(), clock).expect("it opens");
    let store = Store::new(store);
    store.log.append(Append::new(vec![event(message)])).await.expect("appended");
    store.engine.close().await;
}

#[tokio::test]
async fn an_export_counts_by_the_clock_of_the_log() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let now = clock::now();
    let wrong = now.after(30 * DAY);
    append(&path, wrong.before(HOUR), "an hour old").await;
    append(&path, wrong, "new").await;
    // The time of day was set right.
    append(&path, now, "newest").await;
    let mut exported = Vec::new();
    let done = maintenance::export(&path, Some(now.before(HOUR / 2)), |event, _| {
        exported.push(event.message.to_string());
        Ok::<_, maintenance::Error>(())
    });
    assert_eq!((done.expect("exported").events, exported), (2, vec!["new".to_owned(), "newest".to_owned()]));
}
