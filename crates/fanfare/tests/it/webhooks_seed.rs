//! Webhooks according to seed 3, and the format of a delivery.

use fanfare_delivery::first_attempts::WAIT_DEFAULT;
use serde_json::json;

use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, soon, until};

#[tokio::test]
async fn registering_listing_and_unregistering_are_as_in_the_seed() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let url = "http://localhost:3000/webhook";
        for _ in 0..2 {
            let answer = gateway.post_json("/api/register", &json!({ "webhook_url": url })).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let answer = answer.json();
            assert_eq!(
                (&answer["status"], &answer["webhook_url"], &answer["total_webhooks"]),
                (&json!("success"), &json!(url), &json!(1)),
                "registered again, there is no second"
            );
        }
        let again = gateway.post_json("/api/register", &json!({ "webhook_url": url })).await.json();
        assert_eq!(again.get("secret"), None, "a secret is shown once");
        let other = json!({ "webhook_url": "http://127.0.0.1:3001/webhook" });
        let answer = gateway.post_json("/api/register", &other).await.json();
        assert_eq!(answer["total_webhooks"], 2);
        assert!(answer["secret"].as_str().expect("a secret").starts_with("whsec_"));

        let listed = gateway.get("/api/webhooks").await;
        let expected = json!({ "webhooks": [url, other["webhook_url"]], "total": 2 });
        assert_eq!(listed.json(), expected);
        let details = gateway.get("/api/webhooks?details=true").await;
        assert!(!details.text().contains("whsec_"), "{}", details.text());
        let details = details.json();
        assert_eq!(details["total"], 2);
        assert_eq!(details["webhooks"], expected["webhooks"], "the same list as without");
        let first = &details["items"][0];
        assert_eq!((&first["webhook_url"], &first["state"]), (&json!(url), &json!("active")));

        for expected in [1, 1] {
            let answer = gateway.post_json("/api/unregister", &json!({ "webhook_url": url })).await;
            assert_eq!(answer.status, 200);
            let expected = json!({ "status": "success", "webhook_url": url, "total_webhooks": expected });
            assert_eq!(answer.json(), expected);
        }
        assert_eq!(gateway.get("/api/webhooks").await.json()["webhooks"], json!([other["webhook_url"]]));
    }
}

#[tokio::test]
async fn a_push_counts_the_first_attempts_that_were_answered_with_2xx() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let (well, other) = (Receiver::start().await, Receiver::playing(vec![], Script::status(204)).await);
        let broken = Receiver::playing(vec![], Script::status(500)).await;
        let hook = gateway.register(&well, json!({})).await;
        gateway.register(&other, json!({})).await;
        gateway.register(&broken, json!({})).await;
        gateway.register(&Receiver::start().await, json!({ "channels": ["elsewhere"] })).await;

        let answer = gateway.post_json("/api/push", &json!({ "message": "hello" })).await.json();
        let id = answer["id"].as_str().expect("an id");
        assert_eq!((&answer["webhooks_notified"], &answer["total_webhooks"]), (&json!(2), &json!(4)));
        let got = well.got();
        assert_eq!(got.len(), 1, "it was waited for");
        assert_eq!(got[0].path, "/hook");
        got[0].assert_signed(&hook.secret);
        assert_eq!((got[0].id(), got[0].header("content-type")), (id, "application/json"));
        let expected = json!({
            "message": "hello", "timestamp": answer["timestamp"],
            "id": id, "channel": "default", "type": "info", "priority": "default",
        });
        assert_eq!(got[0].json(), expected);
        let text = String::from_utf8(got[0].body.clone()).expect("text");
        let timestamp = answer["timestamp"].as_str().expect("a timestamp");
        let start = format!(r#"{{"message":"hello","timestamp":"{timestamp}","#);
        assert!(text.starts_with(&start), "{text}");
        assert!(timestamp.ends_with("+00:00") && timestamp.len() == 32, "as Python's isoformat: {timestamp}");

        let batch = json!([{ "message": "1" }, { "message": "2" }]);
        let answer = gateway.post_json("/api/push", &batch).await.json();
        assert_eq!(answer["webhooks_notified"], 2);
        assert_eq!(well.got().len(), 3);
    }
}

#[tokio::test]
async fn a_push_does_not_wait_when_it_is_told_not_to() {
    let gateway = Gateway::start().await;
    let slow = Receiver::playing(vec![], Script::Held).await;
    gateway.register(&slow, json!({})).await;
    for (index, wait) in ["0s", "0", "false", "50ms"].iter().enumerate() {
        let path = format!("/api/push?wait={wait}");
        let answer = soon("an answer", gateway.post_json(&path, &json!({ "message": "a" }))).await.json();
        assert_eq!(
            (&answer["webhooks_notified"], &answer["total_webhooks"]),
            (&json!(0), &json!(1)),
            "{wait}"
        );
        slow.gets(index + 1).await;
    }
    let event = json!({ "message": "b" });
    let mut pushing = Box::pin(async {
        tokio::join!(
            gateway.post_json("/api/push", &event),
            gateway.post_json("/api/push?wait=true", &event),
            gateway.post_json("/api/push?wait=55s", &event),
        )
    });
    tokio::select! {
        _ = &mut pushing => panic!("it does not wait"),
        got = slow.gets(7) => assert_eq!(got.len(), 7),
    }
    slow.release();
    let (plain, most, long) = pushing.await;
    for answer in [plain, most, long] {
        assert_eq!(answer.json()["webhooks_notified"], 1);
    }
    for wait in ["56s", "soon", ""] {
        let problem = gateway.post_json(&format!("/api/push?wait={wait}"), &event).await;
        assert_eq!(problem.problem(400, "invalid_duration")["at"], "?wait");
    }
}

#[tokio::test]
async fn a_push_waits_for_nobody_whom_only_a_part_of_it_is_for() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    gateway.register(&receiver, json!({ "channels": ["a"] })).await;
    let batch = json!([{ "channel": "a", "message": "1" }, { "channel": "b", "message": "2" }]);
    let pushed = gateway.post_json("/api/push", &batch);
    let answer =
        tokio::time::timeout(WAIT_DEFAULT / 2, pushed).await.expect("before the time is over").json();
    assert_eq!((&answer["webhooks_notified"], &answer["total_webhooks"]), (&json!(1), &json!(1)));
    assert_eq!(receiver.messages(), ["1"]);
}

#[tokio::test]
async fn a_push_does_not_wait_until_a_batch_is_full() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    gateway.register(&receiver, json!({ "batch": { "max_events": 2, "max_wait": "60s" } })).await;
    let begun = std::time::Instant::now();
    for message in ["a", "b"] {
        gateway.push("default", message).await;
    }
    assert!(begun.elapsed().as_secs() < 8, "it waited in vain");
    assert_eq!(receiver.gets(1).await[0].json().as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_push_waits_for_no_webhook_that_is_removed_meanwhile() {
    let gateway = Gateway::start().await;
    let slow = Receiver::playing(vec![], Script::Held).await;
    let hook = gateway.register(&slow, json!({})).await;
    let event = json!({ "message": "a" });
    let mut pushing = Box::pin(gateway.post_json("/api/push", &event));
    tokio::select! {
        _ = &mut pushing => panic!("it does not wait"),
        _ = slow.gets(1) => {}
    }
    let begun = std::time::Instant::now();
    gateway.remove(&hook).await;
    assert_eq!(pushing.await.json()["webhooks_notified"], 0);
    assert!(begun.elapsed().as_secs() < 8, "it waited in vain");
}

#[tokio::test]
async fn payloads_headers_and_credentials_are_as_registered_and_secrets_stay_secret() {
    let gateway = Gateway::on(Engine::Embedded).await;
    let kinds = [
        ("seed", "application/json"),
        ("event", "application/json"),
        ("cloudevents", "application/cloudevents+json"),
    ];
    for (payload, content_type) in kinds {
        let receiver = Receiver::playing(vec![Script::status(500)], Script::status(200)).await;
        let options = json!({
            "payload": payload, "headers": { "X-Team": "very-hidden-1" }, "retry": ["10ms"],
            "auth": { "kind": "basic", "username": "me", "password": "very-hidden-2" },
            "signatures": ["v1", "v1a", "hub"],
        });
        let hook = gateway.register(&receiver, options).await;
        let id = gateway.push_event(json!({ "channel": "a.b", "message": "m", "data": { "x": 1.50 } })).await;
        gateway.outcomes(&hook, 2).await;
        let got = receiver.got();
        for one in &got {
            one.assert_signed(&hook.secret);
            assert_eq!((one.id(), one.header("content-type")), (&*id, content_type));
            assert_eq!(one.header("x-team"), "very-hidden-1");
            assert_eq!(one.header("authorization"), "Basic bWU6dmVyeS1oaWRkZW4tMg==");
            assert!(one.header("webhook-signature").contains(" v1a,"), "both kinds");
            assert!(one.header("x-hub-signature-256").starts_with("sha256="));
            assert!(one.header("user-agent").starts_with("Fanfare/"));
        }
        assert_eq!(got[0].body, got[1].body, "byte for byte the same again");
        let body = got[0].json();
        match payload {
            "cloudevents" => {
                assert_eq!((&body["specversion"], &body["data"]["data"]["x"]), (&json!("1.0"), &json!(1.5)));
            }
            _ => assert_eq!((&body["channel"], &body["data"]["x"]), (&json!("a.b"), &json!(1.5))),
        }
        let failed = until("the failed attempt", async || gateway.failed_attempts(&hook).await.pop()).await;
        for said in [&*failed.detail, &gateway.recent(&hook)[1].detail().to_string()] {
            assert!(!said.contains("very-hidden") && !said.contains("bWU6"), "{said}");
            assert!(said.contains("x-team"), "the name is no secret: {said}");
        }
        let details = gateway.get("/api/webhooks?details=true").await.text();
        assert!(!details.contains("very-hidden") && !details.contains("whsec_"), "{details}");
    }
}

#[tokio::test]
async fn a_webhook_gets_what_it_wants_and_nothing_else() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let options =
            json!({ "channels": ["orders.*"], "types": ["paid"], "min_priority": "high", "text": "big" });
        let hook = gateway.register(&receiver, options).await;
        let event = |channel: &str, kind: &str, priority: &str, message: &str| json!({ "channel": channel, "type": kind, "priority": priority, "message": message });
        gateway.push_event(event("orders.1", "paid", "default", "big")).await;
        gateway.push_event(event("orders.1", "info", "high", "big")).await;
        gateway.push_event(event("other", "paid", "high", "big")).await;
        gateway.push_event(event("orders.1", "paid", "high", "small")).await;
        let mut for_streams = event("orders.1", "paid", "high", "big stream");
        for_streams["audience"] = json!("stream");
        gateway.push_event(for_streams).await;
        gateway.push_event(event("orders.1", "paid", "high", "big wanted")).await;
        gateway.is_done(&hook).await;
        assert_eq!(receiver.messages(), ["big wanted"]);

        // Another definition counts from now on.
        gateway
            .register(
                &receiver,
                json!({ "channels": [">"], "types": [], "min_priority": null, "text": null }),
            )
            .await;
        gateway.push("other", "anything").await;
        gateway.is_done(&hook).await;
        assert_eq!(receiver.messages(), ["big wanted", "anything"]);
    }
}
