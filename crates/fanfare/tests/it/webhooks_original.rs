//! The payload `original`: what came in at `/ingest` is sent on to a webhook as it was.

use serde_json::{Value, json};

use crate::originals::{BODY, alerts, assert_is_githubs, configure, original, send};
use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, until};
use fanfare_core::limits::ORIGINAL_LEN_MAX;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_sent_on_byte_for_byte_with_the_signature_of_its_sender() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, configure).await;
        let receiver = Receiver::playing(vec![Script::status(500)], Script::status(200)).await;
        let options = json!({ "webhook_url": receiver.url_of("/hook?own=1"), "payload": "original",
            "retry": ["10ms"], "headers": { "X-Own": "1" }, "signatures": ["v1", "hub"] });
        let registered = gateway.post_json("/api/register", &options).await.json();
        let warning = registered["warnings"][0].as_str().expect("a warning");
        assert!(warning.contains("/ingest"), "{registered}");
        gateway.push("default", "an event without an original").await;
        let first = send(&gateway.url(""), "one", BODY).await["id"].clone();
        for _ in 0..2 {
            let got = receiver.next().await;
            assert_is_githubs(&got, BODY);
            assert_eq!((got.path.as_str(), got.header("x-own")), ("/hook?own=1&from=octo", "1"));
            assert!(!got.header("fanfare-via").is_empty(), "so that the gateway would not take it again");
            assert_eq!(got.id(), first);
            got.assert_signed(registered["secret"].as_str().expect("a secret"));
        }
        gateway.push("default", "another").await;
        // Both alerts came with one request.
        let ids = gateway.post_json("/ingest/alertmanager", &alerts()).await.json()["ids"].clone();
        let got = receiver.next().await;
        assert_eq!((got.json(), json!(got.id())), (alerts(), ids[0].clone()));
        send(&gateway.url(""), "two", "{}").await;
        assert_is_githubs(&receiver.next().await, "{}");

        let path = format!("/api/webhooks/{}", registered["id"].as_str().expect("an id"));
        let shown = gateway.get(&path).await.json();
        assert_eq!(
            (&shown["payload"], &shown["lag_is_exact"]),
            (&json!("original"), &json!(true)),
            "{shown}"
        );
        let attempts = gateway.get(&format!("{path}/attempts")).await.json();
        let attempt = attempts["attempts"][0]["id"].as_str().expect("an id");
        let attempt = gateway.get(&format!("/api/attempts/{attempt}")).await.json();
        assert_eq!(attempt["request"]["headers"]["x-github-event"], "ping", "{attempt}");
        let preview = json!({ "event_id": first });
        let preview = gateway.post_json(&format!("{path}/preview"), &preview).await.json();
        assert_eq!(preview["body"], BODY);

        // The whole log again: each request once.
        gateway.post_json(&format!("{path}/replay"), &json!({ "channels": [">"], "dry_run": false })).await;
        let (mut ids, mut again) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let got = receiver.next().await;
            ids.push(got.id().to_owned());
            again.push(got.body);
        }
        ids.dedup();
        assert_eq!(ids.len(), 3);
        assert!(again.iter().any(|body| body == BODY.as_bytes()));
        assert_eq!(receiver.count(), 7, "nothing else came");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_request_with_several_events_is_counted_and_replayed_once() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, configure).await;
        let receiver = Receiver::start().await;
        let hook = gateway.register(&receiver, json!({ "payload": "original" })).await;
        let path = format!("/api/webhooks/{}", hook.id);
        let mut ids = Vec::new();
        for _ in 0..2 {
            let answer = gateway.post_json("/ingest/alertmanager", &alerts()).await.json();
            ids.push(answer["ids"].as_array().expect("ids").clone());
            receiver.next().await;
        }
        gateway.is_done(&hook).await;
        // In any order, and with others between them.
        let named = json!([ids[0][1], ids[1][0], ids[0][0], ids[1][1]]);
        let count = async |mut selection: Value| {
            selection["dry_run"] = json!(true);
            gateway.post_json(&format!("{path}/replay"), &selection).await.json()["count"].clone()
        };
        assert_eq!(count(json!({ "event_ids": named })).await, 2);
        assert_eq!(count(json!({ "channels": [">"] })).await, 2);

        gateway.post_json(&format!("{path}/pause"), &json!({})).await;
        for _ in 0..3 {
            gateway.post_json("/ingest/alertmanager", &alerts()).await;
        }
        let shown = gateway.get(&path).await.json();
        assert_eq!((&shown["lag"], &shown["lag_is_exact"]), (&json!(3), &json!(true)), "{shown}");
        gateway.post_json(&format!("{path}/resume"), &json!({})).await;
        for _ in 0..3 {
            receiver.next().await;
        }
        gateway.is_done(&hook).await;
        assert_eq!(receiver.count(), 5);
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_not_kept_is_given_up_with_the_reason() {
    for engine in Engine::ALL {
        let gateway = Gateway::with(engine, configure).await;
        let receiver = Receiver::playing(vec![Script::status(500)], Script::status(200)).await;
        let hook = gateway.register(&receiver, json!({ "payload": "original", "retry": ["1h"] })).await;
        let path = format!("/api/webhooks/{}", hook.id);
        // One alert is redacted while the delivery of the other waits: the request has both.
        let ids = gateway.post_json("/ingest/alertmanager", &alerts()).await.json()["ids"].clone();
        receiver.next().await;
        until("the delivery waits", async || (gateway.rows(&hook).await.len() == 1).then_some(())).await;
        let [kept, redacted] = [&ids[0], &ids[1]].map(|id| id.as_str().expect("an id").to_owned());
        gateway.request("DELETE", &format!("/api/events/{redacted}"), |request| request).await;
        assert_eq!(gateway.get(&original(&ids[0])).await.status, 404);
        gateway.post_json(&format!("{path}/replay"), &json!({ "event_ids": [kept], "dry_run": false })).await;
        let failed = gateway.failed_deliveries(&hook, 1).await;
        assert_eq!((&*failed[0].failure, failed[0].event.position.to_string()), ("no_original", kept));

        let long = format!("{{\"zen\":\"{}\"}}", "x".repeat(ORIGINAL_LEN_MAX));
        send(&gateway.url(""), "long", &long).await;
        gateway.failed_deliveries(&hook, 2).await;
        let attempts = gateway.get(&format!("{path}/attempts?delivered=false")).await.json();
        let problems: Vec<_> = attempts["attempts"].as_array().expect("a list").iter().collect();
        let says = |index: usize, words: &str| {
            let problem = problems[index]["problem"].as_str().unwrap_or_default();
            assert!(problem.contains(words), "{attempts}");
        };
        says(0, "too long");
        says(1, "purged");
        send(&gateway.url(""), "next", "{}").await;
        assert_is_githubs(&receiver.next().await, "{}");
        assert_eq!(receiver.count(), 2, "what is not kept was not sent");
        gateway.is_done(&hook).await;
        assert_eq!(gateway.get(&path).await.json()["state"], "active", "the receiver is fine");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn an_original_is_one_request_and_nothing_is_made_of_it() {
    let gateway = Gateway::with(Engine::Memory, configure).await;
    let receiver = Receiver::start().await;
    for other in
        [json!({ "batch": {} }), json!({ "template": "slack" }), json!({ "content_type": "text/plain" })]
    {
        let mut options = other.clone();
        options["payload"] = json!("original");
        options["webhook_url"] = json!(receiver.url());
        let problem = gateway.post_json("/api/register", &options).await.problem(422, "invalid_webhook");
        assert_eq!(problem["at"], "/payload", "{problem}");
    }
    let hook = gateway.register(&receiver, json!({ "payload": "original" })).await;
    let path = format!("/api/webhooks/{}", hook.id);
    let patch = json!({ "batch": { "max_events": 2 } });
    let answer = gateway.request("PATCH", &path, |request| request.json(&patch)).await;
    answer.problem(422, "invalid_webhook");
    // A test is not an event of the log, and is sent as `seed`.
    gateway.post_json(&format!("{path}/test"), &json!({ "message": "hi" })).await;
    assert_eq!(receiver.next().await.message(), "hi");
    let pushed = gateway.push("default", "pushed").await;
    let preview = gateway.post_json(&format!("{path}/preview"), &json!({ "event_id": pushed })).await;
    assert!(preview.problem(422, "invalid_webhook")["detail"].as_str().expect("words").contains("/ingest"));
    // Back to another payload: what is pushed from then on arrives.
    let patch = json!({ "payload": null });
    assert_eq!(gateway.request("PATCH", &path, |request| request.json(&patch)).await.status, 200);
    gateway.push("default", "plain").await;
    receiver.gets_message("plain").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_that_was_sent_early_is_delivered_for_each_of_its_events() {
    let gateway = Gateway::with(Engine::Memory, configure).await;
    let receiver = Receiver::start().await;
    let options = json!({ "payload": "original", "rate_per_second": 1 });
    let hook = gateway.register(&receiver, options).await;
    for _ in 0..4 {
        gateway.post_json("/ingest/alertmanager", &alerts()).await;
    }
    receiver.gets(1).await;
    let mut urgent = alerts();
    for alert in urgent["alerts"].as_array_mut().expect("a list") {
        alert["labels"]["severity"] = json!("critical");
    }
    let ids = gateway.post_json("/ingest/alertmanager", &urgent).await.json()["ids"].clone();
    for id in ids.as_array().expect("ids") {
        let id = id.as_str().expect("an id");
        until("it is delivered", async || {
            let receipts = gateway.get(&format!("/api/events/{id}/receipts")).await.json();
            (receipts["webhooks"][0]["state"] == "delivered").then_some(())
        })
        .await;
        assert!(receiver.count() < 5, "it passed the others");
    }
    let replay = json!({ "event_ids": [ids[1]], "dry_run": true });
    let counted = gateway.post_json(&format!("/api/webhooks/{}/replay", hook.id), &replay).await.json();
    assert_eq!(counted["count"], 1, "{counted}");
}
