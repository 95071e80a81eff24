//! Kills while retention removes events that failed deliveries still need.

use std::collections::BTreeMap;

use fanfare_runtime::fail_point::FailPoint;
use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::receiver::{Receiver, Script};
use crate::support::until;

/// The steps of a removal from the log.
pub(super) const REMOVING: &[(FailPoint, u32)] =
    &[(FailPoint::SweepBegun, 1), (FailPoint::SweepDone, 1), (FailPoint::SweepWritten, 1)];

const EVENTS: usize = 200;
const KEPT: &str = "20";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_while_the_log_is_cut_off_loses_no_dead_letter() {
    for (point, passes) in REMOVING {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log.db");
        let receiver = Receiver::playing(vec![], Script::status(413)).await;
        let process = Process::start(&path).await;
        let registered = process.register_url(&receiver.url(), json!({})).await;
        let webhook = format!("/api/webhooks/{}", registered["id"].as_str().expect("an id"));
        let events: Vec<_> = (0..EVENTS).map(|number| json!({ "message": number.to_string() })).collect();
        process.post("/api/push?wait=0s", &Value::Array(events)).await.expect("pushed");
        let failed = async |process: &Process| {
            until("failed deliveries", async || {
                (process.get(&webhook).await["failed"] == EVENTS).then_some(())
            })
            .await;
        };
        failed(&process).await;
        process.kill().await;

        let armed = format!("{}:{passes}", point.as_str());
        let few = ["--retention-count", KEPT];
        Process::dies_at_start(&path, &few, &[("FANFARE_ABORT_AT", &armed)]).await;

        let process = Process::with(&path, &few, &[]).await;
        until("the cut", async || {
            let first = process.get("/api/status").await["first"].as_str().map(str::to_owned);
            first.is_some_and(|first| first.ends_with("-181")).then_some(())
        })
        .await;
        failed(&process).await;
        let first: BTreeMap<String, Vec<u8>> =
            receiver.got().into_iter().map(|got| (got.id().to_owned(), got.body)).collect();
        let count = receiver.count();
        receiver.play(Script::status(200));
        let replayed =
            process.post(&format!("{webhook}/replay"), &json!({ "state": "failed", "dry_run": false })).await;
        assert_eq!(replayed.expect("an answer")["count"], EVENTS, "{armed}");
        let again: BTreeMap<String, Vec<u8>> = receiver.gets(count + EVENTS).await[count..]
            .iter()
            .map(|got| (got.id().to_owned(), got.body.clone()))
            .collect();
        assert_eq!(again, first, "{armed}: the same ids with the same bytes");
        process.kill().await;
    }
}
