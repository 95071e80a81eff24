//! Many of everything: webhooks, waiting deliveries, endless answers. The cost has a bound.

use std::path::Path;
use std::time::Duration;

use fanfare_core::WebhookId;
use fanfare_store::{
    Append, DeliveryChange, DeliveryRow, DeliveryStatus, Retention, Store, WEBHOOKS_MAX, WebhookRow,
};
use fanfare_store_embedded::Embedded;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::process::Process;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, until};
use fanfare_store_suite::harness::event;

/// Maximum processor time of a start, in a build that is not optimised.
const START_COST_MAX: Duration = Duration::from_secs(8);

/// Changes the store of a gateway that does not run.
async fn prepare<T>(path: &Path, work: impl AsyncFnOnce(Store) -> T) -> T {
    let store = Store::new(Embedded::open(path, Retention::default()).expect("it opens"));
    let done = work(store.clone()).await;
    store.engine.close().await;
    done
}

/// Returns the URL of a webhook. The URLs use different hosts, because the number per host is limited.
fn url(number: usize) -> String {
    format!("http://127.0.0.{}:9/{number}", 1 + number % 100)
}

async fn show(process: &Process, id: &str) -> Value {
    process.get(&format!("/api/webhooks/{id}")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_webhooks_as_may_be_start_and_one_more_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let receiver = Receiver::start().await;
    let process = Process::start(&path).await;
    process.register(&receiver, json!({ "channels": ["one"] })).await;
    process.kill().await;
    prepare(&path, async |store| {
        let first = store.ledger.webhooks().await.expect("webhooks").remove(0);
        let another = |number: usize| WebhookRow {
            id: WebhookId::from_random(rand::random()),
            name: None,
            url: url(number).into(),
            settings: first.settings.replace(&receiver.url(), &url(number)).into(),
            ..first.clone()
        };
        let rows: Vec<_> = (1..WEBHOOKS_MAX).map(another).collect();
        for rows in rows.chunks(1_000) {
            try_join_all(rows.iter().map(|row| store.ledger.insert_webhook(row.clone())))
                .await
                .expect("written");
        }
    })
    .await;

    let process = Process::start(&path).await;
    let listed = process.get("/api/webhooks").await;
    assert_eq!(listed["total"], WEBHOOKS_MAX);
    let more = json!({ "webhook_url": "http://127.0.0.1:9/more" });
    let refused = process.post("/api/register", &more).await.expect("an answer");
    assert_eq!(refused["code"], "too_many_webhooks", "{refused}");
    // Updating an existing webhook does not count as a new one, and deleting one makes room.
    let again = process.register_url(&url(7), json!({})).await;
    assert_eq!(again["total_webhooks"], WEBHOOKS_MAX);
    process.post("/api/unregister", &json!({ "webhook_url": url(7) })).await.expect("gone");
    process.register_url("http://127.0.0.1:9/more", json!({ "channels": ["nothing"] })).await;
    // No other webhook matches it, so it is sent to no other.
    process.post("/api/unregister", &json!({ "webhook_url": url(8) })).await.expect("gone");
    process.register_url(&url(8), json!({ "channels": ["nothing"] })).await;
    let pushed = json!({ "channel": "two", "message": "for nobody" });
    assert_eq!(process.post("/api/push", &pushed).await.expect("pushed")["webhooks_notified"], 0);
    let cost = process.processor_time();
    assert!(cost < START_COST_MAX, "{cost:?}");
    let memory = process.memory("VmRSS");
    assert!(memory < 400 * 1024 * 1024, "{memory} bytes for {WEBHOOKS_MAX} webhooks");
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_retries_than_are_kept_track_of_are_no_storm_and_hold_up_nobody() {
    const WAITING: usize = 12_000;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let receiver = Receiver::playing(vec![], Script::status(500)).await;
    let well = Receiver::start().await;
    let process = Process::start(&path).await;
    let options = json!({ "channels": ["default"], "retry": ["1h", "1h", "1h"] });
    let registered = process.register_url(&receiver.url(), options).await;
    let id = registered["id"].as_str().expect("an id").to_owned();
    process.register(&well, json!({ "channels": ["well"] })).await;
    process.kill().await;
    // All of them were due for a retry while no gateway ran.
    prepare(&path, async |store| {
        let now = fanfare_runtime::clock::now();
        let due = fanfare_core::Timestamp::from_micros(now.as_micros() - 3_600_000_000);
        let webhook = id.parse().expect("an id");
        for _ in 0..WAITING / 1_000 {
            let appended = store
                .log
                .append(Append::new((0..1_000).map(|_| event("x")).collect()))
                .await
                .expect("appended");
            let row = |event| DeliveryRow {
                webhook: Clone::clone(&webhook),
                event,
                attempts: 1,
                status: DeliveryStatus::Waiting(due),
                failure: "http_5xx".into(),
                batch: None,
            };
            let last = appended.last().expect("some").event.position;
            let mut changes: Vec<_> =
                appended.into_iter().map(|appended| DeliveryChange::Put(row(appended.event))).collect();
            changes.push(DeliveryChange::Cursor { webhook: Clone::clone(&webhook), position: last });
            store.ledger.record(Vec::new(), changes).await.expect("recorded");
        }
    })
    .await;

    let process = Process::start(&path).await;
    process.post("/api/push", &json!({ "channel": "well", "message": "at once" })).await.expect("pushed");
    well.gets_message("at once").await;
    let cost = process.processor_time();
    assert!(cost < START_COST_MAX, "{cost:?}");
    until("the breaker", async || (show(&process, &id).await["state"] == "held").then_some(())).await;
    let tried = receiver.got().len();
    assert!(tried <= 5 + 16 && receiver.busiest() <= 16, "{tried} requests to a receiver that is down");
    let shown = show(&process, &id).await;
    assert_eq!(shown["waiting"], WAITING, "{shown}");
    let memory = process.memory("VmRSS");
    assert!(memory < 200 * 1024 * 1024, "{memory} bytes for {WAITING} that wait");
    // The receiver is back: they are sent, no more at a time than any others.
    receiver.play(Script::status(200));
    process.post(&format!("/api/webhooks/{id}/resume"), &json!({})).await.expect("resumed");
    receiver.gets(tried + 300).await;
    assert!(receiver.busiest() <= 16, "{}", receiver.busiest());
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_end_take_no_memory() {
    const WARM: usize = 32;
    const MORE: usize = 300;
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(&directory.path().join("log.db")).await;
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n".to_vec();
    let receiver = Receiver::playing(vec![], Script::Endless(head, vec![b'x'; 256 * 1024])).await;
    process.register(&receiver, json!({ "concurrency": 16 })).await;
    let push = async |count: usize, all: usize| {
        let events: Vec<_> = (0..count).map(|_| json!({ "message": "x" })).collect();
        process.post("/api/push?wait=0s", &Value::Array(events)).await.expect("pushed");
        receiver.gets(all).await;
    };
    push(WARM, WARM).await;
    let before = process.memory("VmRSS");
    push(MORE, WARM + MORE).await;
    let most = process.memory("VmHWM");
    let grown = most.saturating_sub(before);
    // Sixteen at a time, each 16 KiB to keep and a buffer, and the newest fifty attempts.
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes more after {MORE} answers, from {before}");
    process.kill().await;
}

#[tokio::test]
async fn nothing_is_sent_after_the_answer_to_an_unregistration_but_what_was_under_way() {
    const CONCURRENCY: usize = 2;
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let other = Receiver::start().await;
        gateway.register(&other, json!({ "channels": ["other"] })).await;
        for round in 0..12 {
            let receiver = Receiver::start().await;
            let options = json!({ "channels": ["default"], "concurrency": CONCURRENCY });
            let hook = gateway.register(&receiver, options).await;
            gateway.push_numbers(200).await;
            receiver.gets(round * 7).await;
            let gone =
                gateway.post_json("/api/unregister", &json!({ "webhook_url": receiver.url() })).await.json();
            let before = receiver.got().len();
            assert_eq!(gone["status"], "success");
            // As long as others need for deliveries of their own.
            for _ in 0..3 {
                gateway.push("other", "meanwhile").await;
            }
            let after = receiver.got().len() - before;
            assert!(after <= CONCURRENCY, "{after} came after the answer");
            assert_eq!(gateway.rows(&hook).await, []);
        }
    }
}
