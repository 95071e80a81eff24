//! `kill -9` at every step at which nothing may be lost: each step once, under load, followed by a comparison of
//! everything with the acknowledgements.
//!
//! A release build has no such steps, so there is nothing to test in it.

#![cfg(debug_assertions)]

mod book;
mod retention;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use fanfare_runtime::fail_point::FailPoint;
use fanfare_store::{ReadDeliveries, Retention, Store};
use fanfare_store_embedded::Embedded;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::process::Process;
use crate::support::receiver::{Receiver, Script};
use crate::support::{soon, until};
use crate::webhooks_crashes::{events, seq};
use crate::webhooks_fail_points::book::{Book, change_for_ever, push_for_ever};
use fanfare_store_suite::harness::{read_all, read_pages};

const PUSHERS: usize = 3;

/// The steps of a group of changes and of the file: each with the number of passes before the kill.
const COMMITTING: &[(FailPoint, u32)] = &[
    (FailPoint::CheckpointBegun, 1),
    (FailPoint::CheckpointDone, 1),
    (FailPoint::GroupAnswered, 60),
    (FailPoint::GroupBegun, 60),
    (FailPoint::GroupCommitted, 60),
    (FailPoint::GroupSeen, 60),
    (FailPoint::GroupWritten, 60),
];
/// The steps of a delivery.
const DELIVERING: &[(FailPoint, u32)] = &[
    (FailPoint::AgainBegun, 10),
    (FailPoint::OutcomeNoted, 60),
    (FailPoint::PostBegun, 50),
    (FailPoint::PostDone, 60),
    (FailPoint::RecordBegun, 8),
    (FailPoint::RecordDone, 8),
    (FailPoint::RetryScheduled, 20),
];
/// The steps of a change of the registry. The webhooks that the test starts with are the first five.
const CHANGING: &[(FailPoint, u32)] = &[
    (FailPoint::RemovalBegun, 4),
    (FailPoint::RemovalWritten, 4),
    (FailPoint::RotationBegun, 6),
    (FailPoint::RotationWritten, 6),
    (FailPoint::WebhookBegun, 16),
    (FailPoint::WebhookWritten, 16),
];

#[test]
fn no_step_is_left_out() {
    let tested = [COMMITTING, DELIVERING, CHANGING, retention::REMOVING].concat();
    let tested: BTreeSet<_> = tested.iter().map(|(point, _)| point.as_str()).collect();
    assert_eq!(tested, FailPoint::ALL.map(FailPoint::as_str).into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_of_a_commit_loses_nothing() {
    for (point, passes) in COMMITTING {
        kill_at(*point, *passes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_of_a_delivery_loses_nothing() {
    for (point, passes) in DELIVERING {
        kill_at(*point, *passes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_of_a_registration_loses_nothing() {
    for (point, passes) in CHANGING {
        kill_at(*point, *passes).await;
    }
}

/// A receiver that is compared with the log: whole events, or several at a time.
struct Subject {
    receiver: Receiver,
    secret: String,
    /// Number of its requests when the gateway was killed.
    before: usize,
    /// The deliveries that the file records as finished: sending one of these again is one time too many.
    settled: BTreeSet<u64>,
}

impl Subject {
    async fn register(process: &Process, script: Script, mut options: Value) -> Subject {
        options["channels"] = json!(["load"]);
        let receiver = Receiver::playing(vec![], script).await;
        let secret = process.register(&receiver, options).await;
        Subject { receiver, secret, before: 0, settled: BTreeSet::new() }
    }

    /// Returns the ids of the events that it has answered with 200.
    fn taken(&self) -> BTreeSet<String> {
        let got = self.receiver.got();
        let taken = got.iter().filter(|got| got.answered == Some(200));
        taken.flat_map(events).map(|(id, _)| id).collect()
    }

    /// Compares its requests with the log, and with the records before the kill.
    fn check(&self, log: &HashMap<String, String>, armed: &str) {
        let mut bodies = HashMap::new();
        let mut taken = BTreeSet::new();
        for (number, got) in self.receiver.got().iter().enumerate() {
            got.assert_signed(&self.secret);
            let body = bodies.entry(got.id().to_owned()).or_insert_with(|| got.body.clone());
            assert_eq!(*body, got.body, "{armed}: the same id has the same body");
            for (id, message) in events(got) {
                assert_eq!(log.get(&id), Some(&message), "{armed}: {id}");
                let is_allowed = number >= self.before && !self.settled.contains(&seq(&id));
                assert!(
                    !taken.contains(&id) || is_allowed,
                    "{armed}: {id} was taken and written down, and came again"
                );
                if got.answered == Some(200) {
                    taken.insert(id);
                }
            }
        }
    }

    /// Fails the test if an event came before an earlier one of the log.
    fn check_order(&self, armed: &str) {
        let mut last = 0;
        let mut seen = BTreeSet::new();
        for got in self.receiver.got() {
            if got.answered == Some(200) && seen.insert(got.id().to_owned()) {
                assert!(seq(got.id()) > last, "{armed}: {} came after {last}", got.id());
                last = seq(got.id());
            }
        }
    }
}

/// Kills a gateway at a step, restarts it, and compares the result with the acknowledgements.
async fn kill_at(point: FailPoint, passes: u32) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let armed = format!("{}:{passes}", point.as_str());
    let process = Process::with(&path, &[], &[("FANFARE_ABORT_AT", &armed)]).await;
    let often = vec!["10ms"; 32];
    // With so few at a time, never five in a row fail.
    let few = json!({ "retry": often, "concurrency": 4 });
    let batched = json!({
        "retry": often, "concurrency": 2, "batch": { "max_events": 10, "max_wait": "10ms" },
    });
    let mut subjects = vec![
        Subject::register(&process, Script::status(200), json!({})).await,
        Subject::register(&process, Script::Every(3, 500), few).await,
        Subject::register(&process, Script::Every(7, 500), json!({ "retry": often, "ordered": true })).await,
        Subject::register(&process, Script::Every(4, 500), batched).await,
    ];
    let turning = Receiver::start().await;
    let registered = process.register_url(&turning.url(), json!({ "channels": ["turning"] })).await;
    let book = Arc::new(Book::new(registered["secret"].as_str().expect("a secret")));

    let mut busy = JoinSet::new();
    for pusher in 0..PUSHERS {
        busy.spawn(push_for_ever(process.url.clone(), pusher, Arc::clone(&book)));
    }
    let id = registered["id"].as_str().expect("an id").to_owned();
    busy.spawn(change_for_ever(process.url.clone(), id, Arc::clone(&book)));
    process.dies(&format!("the kill at {armed}")).await;
    soon("those who asked", busy.join_all()).await;

    for subject in &mut subjects {
        subject.before = subject.receiver.count();
        subject.settled = settled(&path, &subject.receiver).await;
    }
    let process = Process::start(&path).await;
    let pushed = book.pushed();
    for subject in &subjects {
        until(&format!("everything after {armed}"), async || {
            let taken = subject.taken();
            pushed.keys().all(|id| taken.contains(id)).then_some(())
        })
        .await;
    }
    book.check(&process, &turning, &armed).await;
    process.kill().await;

    // Nothing is in the log twice, or was sent without being in it.
    let store = Store::new(Embedded::open(&path, Retention::default()).expect("it opens after a kill"));
    let log: HashMap<String, String> = read_pages(&store, read_all(&store))
        .await
        .iter()
        .map(|event| (event.position.to_string(), event.message.to_string()))
        .collect();
    assert_eq!(log.len() as u64, store.head().last, "{armed}: the log has holes");
    store.engine.close().await;
    for (id, message) in &pushed {
        assert_eq!(log.get(id), Some(message), "{armed}: {id}");
    }
    for subject in &subjects {
        subject.check(&log, &armed);
    }
    subjects[2].check_order(&armed);
}

/// Returns the deliveries of a receiver that the file records as finished.
async fn settled(path: &Path, receiver: &Receiver) -> BTreeSet<u64> {
    let conn = rusqlite::Connection::open(path).expect("a database");
    let whole: String = conn.query_row("PRAGMA integrity_check", (), |row| row.get(0)).expect("checked");
    assert_eq!(whole, "ok");
    drop(conn);
    let store = Store::new(Embedded::open(path, Retention::default()).expect("it opens after a kill"));
    let rows = store.ledger.webhooks().await.expect("webhooks");
    let row = rows.iter().find(|row| *row.url == receiver.url()).expect("it is registered");
    let read = ReadDeliveries { webhook: row.id.clone(), failed: None, after: None, limit: 1_000 };
    let open = store.ledger.deliveries(read).await.expect("rows");
    store.engine.close().await;
    let open: BTreeSet<u64> = open.iter().map(|row| row.event.position.seq).collect();
    (1..=row.cursor.seq).filter(|seq| !open.contains(seq)).collect()
}
