//! A full disk while webhooks are sent: acknowledged events are still delivered, and once there is room everything
//! continues automatically.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::receiver::{Receiver, Script};
use crate::support::until;
use fanfare_store_suite::disk::{Disk, not_checked};

/// The messages that were acknowledged, by their ids.
type Acked = BTreeMap<String, String>;

async fn push(process: &Process, message: &str) -> Value {
    let event = json!({ "message": message });
    process.post("/api/push?wait=0s", &event).await.expect("an answer")
}

/// Pushes until the disk is full.
async fn fill(process: &Process, acked: &mut Acked) {
    let large = "x".repeat(20_000);
    for number in 0..10_000 {
        let message = format!("{number} {large}");
        let answer = push(process, &message).await;
        let Some(id) = answer["id"].as_str() else {
            assert_eq!(answer["code"], "store_failed", "{answer}");
            return;
        };
        acked.insert(id.to_owned(), message);
    }
    panic!("the disk is never full");
}

/// Waits until a receiver has accepted everything.
async fn has_all(receiver: &Receiver, acked: &Acked) {
    until("everything", async || {
        let got = receiver.got();
        let taken: BTreeSet<&str> =
            got.iter().filter(|got| got.answered == Some(200)).map(|got| got.id()).collect();
        acked.keys().all(|id| taken.contains(&**id)).then_some(())
    })
    .await;
}

fn disk() -> Option<Disk> {
    let disk = Disk::mount("6m")?;
    std::fs::write(ballast(&disk), vec![1; 2_500_000]).expect("written");
    Some(disk)
}

fn ballast(disk: &Disk) -> std::path::PathBuf {
    Path::new(disk.path()).join("ballast")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_go_on_while_the_disk_is_full_and_pushes_when_it_is_not() {
    let Some(disk) = disk() else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    let process = Process::start(&disk.path().join("log.db")).await;
    let (well, flaky) = (Receiver::start().await, Receiver::playing(vec![], Script::Every(3, 500)).await);
    let down = Receiver::playing(vec![], Script::status(500)).await;
    let often = vec!["100ms"; 32];
    let secret = process.register(&well, json!({})).await;
    process.register(&flaky, json!({ "retry": often, "concurrency": 4 })).await;
    process.register(&down, json!({ "retry": often })).await;
    let mut acked = Acked::new();
    fill(&process, &mut acked).await;
    assert!(acked.len() > 20, "{}", acked.len());
    // Accepted events are delivered, though that cannot be saved.
    has_all(&well, &acked).await;
    let refused = push(&process, &"y".repeat(200_000)).await;
    assert_eq!(refused["code"], "store_failed", "{refused}");
    let seen = process.get("/api/webhooks?details=true").await;
    assert_eq!(seen["total"], 3, "it answers");
    let ready = process.get("/ready").await;
    assert_eq!(ready["status"], "degraded", "{ready}");
    assert!(ready["refusal"].as_str().is_some_and(|why| why.contains("disk is full")), "{ready}");

    std::fs::remove_file(ballast(&disk)).expect("removed");
    until("ready without a push", async || (process.get("/ready").await["status"] == "ready").then_some(()))
        .await;
    let id = until("room", async || push(&process, "room").await["id"].as_str().map(str::to_owned)).await;
    acked.insert(id, "room".to_owned());
    has_all(&well, &acked).await;
    has_all(&flaky, &acked).await;
    down.play(Script::status(200));
    let list = process.get("/api/webhooks?details=true").await;
    for webhook in list["items"].as_array().expect("webhooks") {
        let path = format!("/api/webhooks/{}/resume", webhook["id"].as_str().expect("an id"));
        process.post(&path, &json!({})).await.expect("resumed");
    }
    has_all(&down, &acked).await;
    let mut seen = BTreeSet::new();
    for got in well.got() {
        got.assert_signed(&secret);
        assert_eq!(acked.get(got.id()), Some(&got.message()), "nothing that was refused is sent");
        assert!(seen.insert(got.id().to_owned()), "{} came twice without a restart", got.id());
    }
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_in_time_though_nothing_can_be_written_down() {
    let Some(disk) = disk() else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    let path = disk.path().join("log.db");
    let process = Process::with(&path, &["--shutdown-timeout", "1s"], &[]).await;
    let large = Receiver::playing(vec![], Script::Held).await;
    process.register(&large, json!({ "concurrency": 128 })).await;
    let mut acked = Acked::new();
    for _ in 0..8 {
        let events: Vec<_> = (0..1_000).map(|_| json!({ "message": "x" })).collect();
        let answer = process.post("/api/push?wait=0s", &Value::Array(events)).await.expect("an answer");
        let ids = answer["ids"].as_array().expect("ids").iter();
        acked.extend(ids.map(|id| (id.as_str().expect("an id").to_owned(), "x".to_owned())));
    }
    large.gets(128).await;
    fill(&process, &mut acked).await;
    // Each is given up at once, and the next is tried, until the maximum of unsaved changes is reached.
    large.play(Script::status(413));
    large.release();
    let (mut before, mut same) = (0, 0);
    until("the last that is tried", async || {
        let tried = large.count();
        same = if tried == before { same + 1 } else { 0 };
        before = tried;
        (tried > 2_000 && same > 50).then_some(())
    })
    .await;
    assert!(before < acked.len(), "some wait until something can be written down");
    process.terminate();
    process.ends_within(Duration::from_secs(15)).await;

    std::fs::remove_file(ballast(&disk)).expect("removed");
    large.play(Script::status(200));
    let process = Process::start(&path).await;
    large.gets(before + 100).await;
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_that_a_full_disk_stops_says_what_may_be_left() {
    let Some(disk) = Disk::mount("12m") else {
        return not_checked("not checked: only root may mount a disk to fill");
    };
    // More than the log: what is purged goes through the write-ahead log.
    std::fs::write(ballast(&disk), vec![1; 8_000_000]).expect("written");
    let process = Process::start(&disk.path().join("log.db")).await;
    // What its attempts leave to record does not hold up the purge.
    let down = Receiver::playing(vec![], Script::status(500)).await;
    process.register(&down, json!({ "retry": ["1h"] })).await;
    fill(&process, &mut Acked::new()).await;
    let refused = process.delete("/api/channels/default").await;
    assert_eq!(refused["code"], "store_failed", "{refused}");
    let detail = refused["detail"].as_str().expect("a text");
    assert!(detail.contains("disk is full") && !detail.contains("nothing"), "{detail}");

    std::fs::remove_file(ballast(&disk)).expect("removed");
    let erased = async || (process.delete("/api/channels/default").await["erased"] == true).then_some(());
    until("room", erased).await;
    assert_eq!(process.get("/api/channels").await["total"], 0);
    process.kill().await;
}
