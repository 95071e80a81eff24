//! The metrics, against their description and against what is measured.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::files::root;
use crate::support::gateway::Gateway;
use crate::support::reader::Transport;
use crate::support::receiver::{Receiver, Script};
use crate::support::socket::Socket;
use crate::support::{Engine, until};

/// Returns a value of `/metrics`.
async fn value(gateway: &Gateway, sample: &str) -> f64 {
    gateway.metric(sample).await.unwrap_or_else(|| panic!("no `{sample}`"))
}

/// Makes a gateway do at least once what its metrics count, and returns them.
async fn everything_counted() -> String {
    let gateway = Gateway::with(Engine::Embedded, |config| config.retention.count = 3).await;
    let receiver = Receiver::start().await;
    gateway.register(&receiver, json!({})).await;
    let mut reader = gateway.listen(Transport::Sse1, ">").await;
    gateway.push("builds", "x").await;
    reader.messages(1).await;
    gateway.post_json("/api/push", &json!({ "message": 1 })).await.problem(422, "invalid_message");
    receiver.next().await;
    let clients = gateway.get("/api/clients").await.json();
    let id = clients["clients"][0]["id"].as_str().expect("an id");
    gateway.request("DELETE", &format!("/api/clients/{id}"), |request| request).await;
    gateway.get("/metrics").await;
    gateway.get("/metrics").await.text()
}

/// Returns the names of `# TYPE` lines.
fn families(text: &str) -> BTreeSet<String> {
    let name = |line: &str| Some(line.strip_prefix("# TYPE ")?.split(' ').next()?.to_owned());
    text.lines().filter_map(name).collect()
}

#[tokio::test]
async fn the_document_names_every_metric_that_is_served_and_no_other() {
    let served = families(&everything_counted().await);
    let document = std::fs::read_to_string(root().join("docs/operations.md")).expect("the document");
    let rows =
        document.lines().filter(|line| line.starts_with("| `fanfare_") || line.starts_with("| `process_"));
    let names = rows.flat_map(|row| row.split('|').nth(1).expect("a cell").split('`'));
    let documented: BTreeSet<String> = names
        .map(|name| name.split('{').next().unwrap_or_default().trim())
        .filter(|name| name.starts_with("fanfare_") || name.starts_with("process_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(served, documented);
}

/// Returns the words of a text that could be the names of metrics.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| ["fanfare_", "process_"].iter().any(|own| word.starts_with(own)))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_name_only_metrics_that_are_served() {
    let served = everything_counted().await;
    let sampled: BTreeSet<&str> = served
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split([' ', '{']).next())
        .collect();
    let of_types = families(&served);
    let mut shown = BTreeSet::new();
    for file in ["grafana/fanfare.json", "prometheus/alerts.yml", "prometheus/alerts_test.yml"] {
        let text = std::fs::read_to_string(root().join("packaging").join(file)).expect("a file");
        let named = names(&text);
        let unknown: Vec<_> = named
            .iter()
            .filter(|name| !sampled.contains(name.as_str()) && !of_types.contains(*name))
            .collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
        shown.extend(named);
    }
    // What is neither shown nor watched is of no use to anybody, or of use only to those who look it up.
    let hidden: Vec<_> = of_types
        .into_iter()
        .filter(|family| !shown.contains(family) && !shown.contains(&format!("{family}_bucket")))
        .collect();
    let looked_up = ["fanfare_text_searches_total", "process_threads", "process_virtual_memory_bytes"];
    assert_eq!(hidden, looked_up);
}

#[tokio::test]
async fn pushes_that_are_refused_count_by_their_cause_at_every_door() {
    let gateway = Gateway::start().await;
    let count =
        async |code: &str| gateway.metric(&format!("fanfare_refused_pushes_total{{code=\"{code}\"}}")).await;
    gateway.post_json("/api/push", &json!({ "message": 1 })).await.problem(422, "invalid_message");
    gateway.post_json("/api/push/a..b", &json!({ "message": "x" })).await.problem(400, "invalid_channel");
    gateway.post_json("/ingest/github", &json!({})).await.problem(503, "secret_missing");
    assert_eq!(count("invalid_message").await, Some(1.0));
    assert_eq!(count("invalid_channel").await, Some(1.0));
    assert_eq!(count("secret_missing").await, Some(1.0));
    let mut socket = Socket::open(gateway.address).await;
    for event in [json!({ "message": 1 }), json!(null)] {
        socket.say(&json!({ "op": "publish", "event": event })).await;
        assert_eq!(socket.json().await["op"], "error");
    }
    assert_eq!(count("invalid_message").await, Some(2.0));
    assert_eq!(count("invalid_op").await, Some(1.0));
    socket.say(&json!({ "op": "subscribe", "patterns": 1 })).await;
    socket.say(&json!({ "op": "push" })).await;
    for _ in 0..2 {
        assert_eq!(socket.json().await["op"], "error");
    }
    assert_eq!(count("invalid_op").await, Some(1.0));
    // What is not a push is not counted as one.
    gateway.get("/api/events?limit=x").await.problem(400, "invalid_query");
    assert_eq!(count("invalid_query").await, None);
}

#[tokio::test]
async fn the_lag_of_readers_is_that_of_the_one_furthest_behind() {
    let gateway = Gateway::start().await;
    let lag = async || value(&gateway, "fanfare_reader_lag_max_events").await;
    for (name, channel) in [("near", "builds"), ("far", "builds"), ("idle", "rare")] {
        let body = json!({ "channels": [channel] });
        let set =
            gateway.request("PUT", &format!("/api/readers/{name}"), |request| request.json(&body)).await;
        assert!([200, 201].contains(&set.status), "{}", set.text());
    }
    assert_eq!(lag().await, 0.0);
    let mut last = String::new();
    for _ in 0..5 {
        last = gateway.push("builds", "x").await;
    }
    until("the channels are known", async || (lag().await == 5.0).then_some(())).await;
    let acknowledge = async |name: &str, position: &str| {
        let path = format!("/api/readers/{name}/ack");
        let answer = gateway.post_json(&path, &json!({ "position": position })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    acknowledge("near", &last).await;
    acknowledge("far", &gateway.position(2)).await;
    assert_eq!(lag().await, 3.0);
    acknowledge("far", &last).await;
    // Nothing was pushed to the channel of the third.
    assert_eq!(lag().await, 0.0);
    assert_eq!(value(&gateway, "fanfare_readers").await, 3.0);
}

#[tokio::test]
async fn webhooks_count_by_state_and_their_deliveries_by_what_becomes_of_them() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::playing(vec![], Script::status(500)).await;
    let hook = gateway.register(&receiver, json!({ "retry": ["1h"] })).await;
    let paused = gateway.register_url("http://127.0.0.1:9/", json!({})).await;
    let path = format!("/api/webhooks/{}/pause", paused.id);
    assert_eq!(gateway.post_json(&path, &json!({})).await.status, 200);
    gateway.push("builds", "x").await;
    gateway.is_done(&hook).await;
    until("the delivery waits", async || {
        (value(&gateway, "fanfare_webhook_deliveries{status=\"waiting\"}").await == 1.0).then_some(())
    })
    .await;
    for (sample, expected) in [
        ("fanfare_webhooks{state=\"failing\"}", 1.0),
        ("fanfare_webhooks{state=\"paused\"}", 1.0),
        ("fanfare_webhooks{state=\"active\"}", 0.0),
        ("fanfare_webhook_deliveries{status=\"failed\"}", 0.0),
        ("fanfare_webhook_attempt_seconds_count", 1.0),
        ("fanfare_webhook_delivery_seconds_count", 0.0),
        // The paused one does not count.
        ("fanfare_webhook_lag_max_events", 0.0),
    ] {
        assert_eq!(value(&gateway, sample).await, expected, "{sample}");
    }
}

#[tokio::test]
async fn the_log_its_files_and_its_commits_are_measured() {
    let gateway = Gateway::with(Engine::Embedded, |config| config.retention.count = 3).await;
    for _ in 0..5 {
        gateway.push("builds", "x").await;
    }
    until("retention", async || (value(&gateway, "fanfare_events_removed_total").await == 2.0).then_some(()))
        .await;
    assert_eq!(value(&gateway, "fanfare_log_events").await, 3.0);
    assert_eq!(value(&gateway, "fanfare_channels").await, 1.0);
    let (queued, synced) = (
        value(&gateway, "fanfare_store_queue_seconds_count").await,
        value(&gateway, "fanfare_store_sync_seconds_count").await,
    );
    assert!(queued >= 5.0 && synced >= 5.0, "{queued} {synced}");
    for sample in [
        "fanfare_log_oldest_event_age_seconds",
        "fanfare_store_file_bytes",
        "fanfare_store_wal_bytes",
        "fanfare_store_disk_free_bytes",
        "process_resident_memory_bytes",
        "process_open_fds",
    ] {
        assert!(value(&gateway, sample).await > 0.0, "{sample}");
    }
}
