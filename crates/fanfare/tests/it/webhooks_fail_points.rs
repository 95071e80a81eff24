//! `kill -9` at every step between which it must lose nothing: each step once, under load, and then everything is
//! compared with what was acknowledged.
//!
//! A release has no such steps, so there is nothing to test in one.

#![cfg(debug_assertions)]

mod book;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use fanfare::fail_point::FailPoint;
use fanfare::store::embedded::Embedded;
use fanfare::store::{ReadDeliveries, Retention, Store};
use serde_json::json;
use tokio::task::JoinSet;

use crate::store_contract::harness::{read_all, read_pages};
use crate::support::process::Process;
use crate::support::receiver::{Receiver, Script};
use crate::support::{soon, until};
use crate::webhooks_fail_points::book::{Book, change_for_ever, push_for_ever, seq};

const PUSHERS: usize = 3;

/// What a group of changes and the file go through: a step, and how often it is passed first.
const COMMITTING: &[(FailPoint, u32)] = &[
    (FailPoint::CheckpointBegun, 2),
    (FailPoint::CheckpointDone, 2),
    (FailPoint::GroupAnswered, 120),
    (FailPoint::GroupBegun, 120),
    (FailPoint::GroupCommitted, 120),
    (FailPoint::GroupSeen, 120),
    (FailPoint::GroupWritten, 120),
];
/// What a delivery goes through.
const DELIVERING: &[(FailPoint, u32)] = &[
    (FailPoint::AgainBegun, 10),
    (FailPoint::OutcomeNoted, 60),
    (FailPoint::PostBegun, 60),
    (FailPoint::PostDone, 60),
    (FailPoint::RecordBegun, 8),
    (FailPoint::RecordDone, 8),
    (FailPoint::RetryScheduled, 20),
];
/// What a change of the registry goes through. The webhooks that the test begins with are the first three.
const CHANGING: &[(FailPoint, u32)] = &[
    (FailPoint::RemovalBegun, 6),
    (FailPoint::RemovalWritten, 6),
    (FailPoint::RotationBegun, 6),
    (FailPoint::RotationWritten, 6),
    (FailPoint::WebhookBegun, 14),
    (FailPoint::WebhookWritten, 14),
];

#[test]
fn no_step_is_left_out() {
    let tested = [COMMITTING, DELIVERING, CHANGING].concat();
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

/// Has a gateway end at a step, starts it again, and compares what is there with what was acknowledged.
async fn kill_at(point: FailPoint, passes: u32) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let (well, flaky) = (Receiver::start().await, Receiver::playing(vec![], Script::Every(3, 500)).await);
    let turning = Receiver::start().await;
    let armed = format!("{}:{passes}", point.as_str());
    let process = Process::with(&path, &[], &[("FANFARE_ABORT_AT", &armed)]).await;
    let often = vec!["20ms"; 32].join(",");
    // With so few at a time, never five in a row fail.
    let few = json!({ "retry": often, "concurrency": 4, "patterns": ["load"] });
    let secrets =
        [process.register(&well, json!({ "patterns": ["load"] })).await, process.register(&flaky, few).await];
    let registered = process.register_url(&turning.url(), json!({ "patterns": ["turning"] })).await;
    let book = Arc::new(Book::new(registered["secret"].as_str().expect("a secret")));

    let mut busy = JoinSet::new();
    for pusher in 0..PUSHERS {
        busy.spawn(push_for_ever(process.url.clone(), pusher, Arc::clone(&book)));
    }
    let id = registered["id"].as_str().expect("an id").to_owned();
    busy.spawn(change_for_ever(process.url.clone(), id, Arc::clone(&book)));
    process.is_killed(&format!("the kill at {armed}")).await;
    soon("those who asked", busy.join_all()).await;

    let before = (well.got().len(), flaky.got().len());
    let settled = [settled(&path, &well).await, settled(&path, &flaky).await];
    let process = Process::start(&path).await;
    let pushed = book.pushed();
    for receiver in [&well, &flaky] {
        until(&format!("everything after {armed}"), async || {
            let got = receiver.got();
            let taken: BTreeSet<_> =
                got.iter().filter(|got| got.answered == Some(200)).map(|got| got.id()).collect();
            pushed.keys().all(|id| taken.contains(id.as_str())).then_some(())
        })
        .await;
    }
    book.check(&process, &turning, &armed).await;
    process.kill().await;

    // Nothing is in the log twice, or was sent that is not there.
    let store = Embedded::open(&path, Retention::default()).expect("it opens after a kill");
    let log: HashMap<String, String> = read_pages(&*store, read_all(fanfare::clock::now()))
        .await
        .iter()
        .map(|event| (event.position.to_string(), event.message.to_string()))
        .collect();
    assert_eq!(log.len() as u64, store.extent().last, "{armed}: the log has holes");
    store.close().await;
    for (id, message) in &pushed {
        assert_eq!(log.get(id), Some(message), "{armed}: {id}");
    }
    let receivers = [(&well, before.0), (&flaky, before.1)];
    for ((receiver, before), (secret, settled)) in receivers.into_iter().zip(secrets.iter().zip(settled)) {
        let mut first = HashMap::new();
        for (number, got) in receiver.got().iter().enumerate() {
            got.assert_signed(secret);
            assert_eq!(log.get(got.id()), Some(&got.message()), "{armed}: {}", got.id());
            let (body, is_taken) = first.entry(got.id().to_owned()).or_insert((got.body.clone(), false));
            assert_eq!(*body, got.body, "{armed}: the same id has the same body");
            let is_allowed = number >= before && !settled.contains(&seq(got.id()));
            assert!(
                !*is_taken || is_allowed,
                "{armed}: {} was taken and written down, and came again",
                got.id()
            );
            *is_taken |= got.answered == Some(200);
        }
    }
}

/// Gives what of a receiver is done as the file has it: what is sent again after this is one time too many.
async fn settled(path: &Path, receiver: &Receiver) -> BTreeSet<u64> {
    let conn = rusqlite::Connection::open(path).expect("a database");
    let whole: String = conn.query_row("PRAGMA integrity_check", (), |row| row.get(0)).expect("checked");
    assert_eq!(whole, "ok");
    drop(conn);
    let store = Embedded::open(path, Retention::default()).expect("it opens after a kill");
    let rows = store.webhooks().await.expect("webhooks");
    let row = rows.iter().find(|row| *row.url == receiver.url()).expect("it is registered");
    let read = ReadDeliveries { webhook: row.id.clone(), dead: None, after: 0, limit: 1_000 };
    let open = store.deliveries(read).await.expect("rows");
    store.close().await;
    let open: BTreeSet<u64> = open.iter().map(|row| row.event.position.seq).collect();
    (1..=row.cursor).filter(|seq| !open.contains(seq)).collect()
}
