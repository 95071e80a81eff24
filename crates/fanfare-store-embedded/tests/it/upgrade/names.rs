//! Files from before webhooks had names.

use fanfare_core::Timestamp;
use fanfare_store::{AttemptFilter, Clock, ReadAttempts, Retention, Store, WebhookRow};
use fanfare_store_embedded::Embedded;

use super::{VERSION, version, write};
use fanfare_store_suite::hooks::id;

const VERSION_12: &str = include_str!("version_12.sql");

#[tokio::test]
async fn a_file_of_version_12_gets_names_and_what_attempts_are_filtered_by() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    write(&path, VERSION_12);
    assert_eq!(version(&path), 12);

    // A minute later.
    let clock = Clock::with_wall(|| Timestamp::from_micros(1_796_071_074_000_000));
    let store = Store::new(Embedded::open_with_clock(&path, Retention::default(), clock).expect("opens"));
    let webhooks = store.ledger.webhooks().await.expect("webhooks");
    let known: Vec<_> =
        webhooks.iter().map(|row| (row.id.as_str(), row.name.clone(), row.revision)).collect();
    assert_eq!(known, [("wh_fc47iwyliwaovkbz", None, 1), ("wh_73afj3ci2mklftjq", None, 1)]);
    assert!(webhooks[0].settings.contains("busy"));
    let attempts = async |filter: AttemptFilter| {
        let read = ReadAttempts { webhook: None, seq: None, filter, before: None, limit: 9 };
        let rows = store.ledger.attempts(read).await.expect("attempts");
        rows.into_iter().map(|row| (row.webhook, row.status, row.outcome)).collect::<Vec<_>>()
    };
    let busy = (webhooks[0].id.clone(), Some(503), "http_5xx".into());
    let refused = (webhooks[1].id.clone(), None, "connection_refused".into());
    assert_eq!(attempts(AttemptFilter::default()).await, [busy.clone(), refused.clone()]);
    assert_eq!(attempts(AttemptFilter { status: Some(503), ..AttemptFilter::default() }).await, [busy]);
    let by_outcome = AttemptFilter { outcome: Some("connection_refused".into()), ..AttemptFilter::default() };
    assert_eq!(attempts(by_outcome).await, [refused]);

    let name = Some("second".parse().expect("a name"));
    let second = WebhookRow { id: id(1), name, ..webhooks[0].clone() };
    store.ledger.insert_webhook(second.clone()).await.expect("it has a name");
    assert_eq!(store.ledger.webhooks().await.expect("webhooks").last(), Some(&second));
    store.engine.close().await;
    assert_eq!(version(&path), i64::from(VERSION));
    let conn = rusqlite::Connection::open(&path).expect("a database");
    let numbers: Vec<i64> = conn
        .prepare("SELECT number FROM webhooks ORDER BY number")
        .and_then(|mut all| all.query_map((), |row| row.get(0))?.collect())
        .expect("numbers");
    assert_eq!(numbers, [1, 2, 4], "3 was that of a webhook that was removed");
}
