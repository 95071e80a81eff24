//! A gateway that starts on a full disk: it serves the events it has, and accepts pushes once there is room.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::cli::Shell;
use crate::support::process::Process;
use crate::support::until;
use fanfare_store_suite::disk::{Disk, not_checked};

/// Fills the disk to the last byte.
fn fill(disk: &Disk) -> PathBuf {
    let path = disk.path().join("ballast");
    let mut file = File::create(&path).expect("a file");
    for size in [64 * 1024, 4 * 1024, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_starts_on_a_full_disk_and_serves_what_is_there() {
    for is_killed in [false, true] {
        let Some(disk) = Disk::mount("8m") else {
            return not_checked("not checked: only root may mount a disk to fill");
        };
        let log = disk.path().join("log.db");
        let process = Process::start(&log).await;
        for message in ["one", "two"] {
            process.post("/api/push", &json!({ "message": message })).await.expect("an answer");
        }
        match is_killed {
            true => process.kill().await,
            false => {
                process.terminate();
                process.ends_within(Duration::from_secs(20)).await;
            }
        }
        if is_killed {
            // What it needs to read its log is gone as well.
            std::fs::remove_file(disk.path().join("log.db-shm")).expect("removed");
        }
        let ballast = fill(&disk);

        let process = Process::start(&log).await;
        let ready = process.get("/ready").await;
        assert_eq!(ready["status"], "degraded", "killed {is_killed}: {ready}");
        assert!(ready["refusal"].as_str().is_some_and(|why| why.contains("disk is full")), "{ready}");
        let history = process.get("/api/events?order=oldest").await;
        let events = history["events"].as_array().expect("events");
        assert_eq!(events.iter().map(|event| &event["message"]).collect::<Vec<_>>(), ["one", "two"]);
        let refused =
            process.post("/api/push", &json!({ "message": "x".repeat(20_000) })).await.expect("an answer");
        assert_eq!(refused["code"], "store_failed", "{refused}");

        let mut shell = Shell::new();
        shell.set("FANFARE_URL", &process.url).set("FANFARE_STORE", log.to_str().expect("UTF-8"));
        let doctor = shell.run(&["doctor"]).await;
        assert!(doctor.code == 1 && doctor.out.contains("disk is full"), "{doctor:?}");
        let check = shell.run(&["log", "check"]).await;
        assert!(check.code == 1 && check.err.contains("cannot be read now"), "{check:?}");

        std::fs::remove_file(ballast).expect("removed");
        until("ready", async || (process.get("/ready").await["status"] == "ready").then_some(())).await;
        let pushed = process.post("/api/push", &json!({ "message": "three" })).await.expect("an answer");
        assert_eq!(pushed["status"], "success", "{pushed}");
        process.terminate();
        process.ends_within(Duration::from_secs(20)).await;
        let said = shell.run(&["log", "check", "-o", "json"]).await;
        let report = crate::cli::json(&said.out);
        assert_eq!((&report["ok"], &report["events"]), (&json!(true), &json!(3)), "{said:?}");
    }
}
