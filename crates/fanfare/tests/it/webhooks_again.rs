//! Deliveries that are made again by hand, and the log of attempts.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::receiver::Receiver;
use crate::support::tools::Era;
use crate::support::{Engine, until};
use crate::webhooks_api::register;

/// Registers a webhook that gives up at once.
async fn hopeless(gateway: &Gateway, receiver: &Receiver) -> String {
    let body = json!({"webhook_url": receiver.url_of("/"), "retry": [], "concurrency": 1});
    register(gateway, body).await.0
}

async fn count(gateway: &Gateway, path: &str, member: &str, count: usize) {
    until(member, async || (gateway.get(path).await.json()[member] == count).then_some(())).await;
}

async fn replay(gateway: &Gateway, path: &str, mut body: Value) -> Value {
    if body.get("dry_run").is_none() {
        body["dry_run"] = json!(false);
    }
    let answer = gateway.post_json(&format!("{path}/replay"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn what_was_given_up_is_counted_replayed_and_discarded() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let path = hopeless(&gateway, &receiver).await;
        receiver.answer(500);
        let mut ids = Vec::new();
        for message in ["one", "two", "three"] {
            ids.push(gateway.push("orders", message).await);
        }
        assert_eq!(receiver.next_messages(3).await, ["one", "two", "three"]);
        count(&gateway, &path, "failed", 3).await;
        let failed = gateway.get(&format!("{path}/deliveries?state=failed&limit=2")).await.json();
        assert_eq!(failed["deliveries"][0]["event_id"], ids[0]);
        assert_eq!(failed["deliveries"][0]["outcome"], "http_5xx");
        let cursor = failed["next_cursor"].as_str().expect("there is more");
        let rest = gateway.get(&format!("{path}/deliveries?state=failed&cursor={cursor}")).await.json();
        assert_eq!(rest["deliveries"].as_array().map(Vec::len), Some(1));
        assert!(rest.get("next_cursor").is_none(), "{rest}");
        let one = gateway.get(&format!("{path}/deliveries?event_id={}", ids[1])).await.json();
        assert_eq!(
            (&one["deliveries"][0]["event_id"], one["deliveries"].as_array().map(Vec::len)),
            (&json!(ids[1]), Some(1))
        );
        assert!(one.get("next_cursor").is_none(), "{one}");
        let waiting =
            gateway.get(&format!("{path}/deliveries?state=waiting&event_id={}", ids[1])).await.json();
        assert_eq!(waiting, json!({"deliveries": []}));

        let discarded = format!("{path}/deliveries/{}", ids[1]);
        let answer = gateway.request("DELETE", &discarded, |request| request).await;
        assert_eq!((answer.status, answer.json()), (200, one["deliveries"][0].clone()), "as it was");
        gateway.request("DELETE", &discarded, |request| request).await.problem(404, "not_found");

        let dry = replay(&gateway, &path, json!({"state": "failed", "dry_run": true})).await;
        assert_eq!((&dry["count"], &dry["dry_run"]), (&json!(2), &json!(true)));
        assert!(receiver.is_quiet(), "only counted");
        receiver.answer(204);
        assert_eq!(replay(&gateway, &path, json!({"state": "failed"})).await["count"], 2);
        let mut messages = receiver.next_messages(2).await;
        messages.sort();
        assert_eq!(messages, ["one", "three"]);
        count(&gateway, &path, "failed", 0).await;
        count(&gateway, &path, "waiting", 0).await;
        assert_eq!(replay(&gateway, &path, json!({"state": "failed"})).await["count"], 0);
    }
}

#[tokio::test]
async fn what_was_delivered_is_replayed_by_id_channel_and_time_with_the_id_it_had() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        gateway.push("builds.web", "before it was registered").await;
        let path = hopeless(&gateway, &receiver).await;
        let first = gateway.push("builds.web", "a").await;
        gateway.push("orders", "b").await;
        let delivered = receiver.next().await;
        assert_eq!(receiver.next_messages(1).await, ["b"]);
        count(&gateway, &path, "lag", 0).await;

        assert_eq!(replay(&gateway, &path, json!({"event_ids": [first, first]})).await["count"], 1);
        let again = receiver.next().await;
        assert_eq!(again.header("webhook-id"), delivered.header("webhook-id"));
        assert_eq!(again.body, delivered.body);

        assert_eq!(replay(&gateway, &path, json!({"since": "1h", "channels": ["orders"]})).await["count"], 1);
        assert_eq!(receiver.next_messages(1).await, ["b"]);
        // The log has it, so it can be sent, even if it is older than the webhook.
        assert_eq!(replay(&gateway, &path, json!({"since": "1h", "dry_run": true})).await["count"], 3);
        assert_eq!(replay(&gateway, &path, json!({"until": "1h"})).await["count"], 0);
        let on = replay(&gateway, &path, json!({"after": first, "dry_run": true})).await;
        assert_eq!(on["count"], 1);

        let replays = format!("{path}/replay");
        for (body, code) in [
            (json!({"dry_run": false}), "invalid_webhook"),
            (json!({"since": "1h"}), "invalid_webhook"),
            (json!({"since": "1h", "dry_run": null}), "invalid_webhook"),
            (json!({"event_ids": [], "dry_run": false}), "invalid_webhook"),
            (json!({"event_ids": ["x"], "state": "failed", "dry_run": false}), "invalid_webhook"),
            (json!({"channels": ["a..b"], "dry_run": false}), "invalid_pattern"),
        ] {
            gateway.post_json(&replays, &body).await.problem(422, code);
        }
        let waiting = json!({"state": "waiting", "dry_run": true});
        let problem = gateway.post_json(&replays, &waiting).await.problem(422, "invalid_webhook");
        assert_eq!(problem["at"], "/state");
        let unknown = json!({"event_ids": [first, gateway.position(999)], "dry_run": false});
        let problem = gateway.post_json(&replays, &unknown).await.problem(404, "not_found");
        assert_eq!(problem["at"], "/event_ids/1");
        count(&gateway, &path, "waiting", 0).await;
        assert!(receiver.is_quiet(), "a replay that is refused does nothing");
    }
}

#[tokio::test]
async fn one_call_makes_at_most_ten_thousand_again_and_says_where_to_go_on() {
    const MOST: usize = 10_000;
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let body = json!({"webhook_url": receiver.url_of("/"), "channels": ["marker"]});
    let path = register(&gateway, body).await.0;
    let events = |count| (0..count).map(|_| json!({"message": "x", "channel": "orders"})).collect();
    let ids = gateway.push_batch(events(MOST)).await;
    gateway.push_batch(events(5)).await;
    // It has skipped all of them, and then subscribes to them.
    gateway.push("marker", "here").await;
    receiver.next().await;
    count(&gateway, &path, "lag", 0).await;
    let change = json!({"channels": ["orders"]}).to_string();
    let changed = gateway
        .request("PATCH", &path, |request| request.header("content-type", "application/json").body(change))
        .await;
    assert_eq!(changed.status, 200);
    let first = replay(&gateway, &path, json!({"since": "1h", "dry_run": true})).await;
    assert_eq!(first["count"], MOST);
    assert!(ids.len() == MOST && first["next_cursor"].is_string(), "{first}");
    let rest =
        replay(&gateway, &path, json!({"since": "1h", "cursor": first["next_cursor"], "dry_run": true}))
            .await;
    assert_eq!((&rest["count"], rest.get("next_cursor")), (&json!(5), None));
}

#[tokio::test]
async fn one_event_is_sent_again_also_with_another_body() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let path = hopeless(&gateway, &receiver).await;
        receiver.answer(500);
        let id = gateway.push("orders", "one").await;
        let first = receiver.next().await;
        count(&gateway, &path, "failed", 1).await;
        let resend = format!("{path}/deliveries/{id}/resend");

        receiver.answer(200);
        let edited = gateway.post_json(&resend, &json!({"body": {"message": "mended"}})).await.json();
        assert_eq!(
            (&edited["kind"], &edited["outcome"]),
            (&json!("edited"), &json!("delivered")),
            "{edited}"
        );
        let received = receiver.next().await;
        assert_eq!(received.json(), json!({"message": "mended"}));
        assert_ne!(received.header("webhook-id"), first.header("webhook-id"));
        count(&gateway, &path, "failed", 1).await;

        let again = gateway.request("POST", &resend, |request| request).await.json();
        assert_eq!((&again["kind"], &again["outcome"]), (&json!("resend"), &json!("delivered")), "{again}");
        let received = receiver.next().await;
        assert_eq!(
            (received.header("webhook-id"), &received.body),
            (first.header("webhook-id"), &first.body)
        );
        count(&gateway, &path, "failed", 0).await;
        let streamed = json!({"channel": "orders", "message": "for people", "audience": "stream"});
        let streamed = gateway.post_json("/api/push", &streamed).await.json()["id"].clone();
        let streamed = format!("{path}/deliveries/{}/resend", streamed.as_str().expect("an id"));
        for body in [json!({}), json!({"body": {"message": "for machines"}})] {
            let refused = gateway.post_json(&streamed, &body).await.problem(422, "invalid_webhook");
            assert_eq!(refused["at"], "/event_id", "{refused}");
        }
        assert!(receiver.is_quiet(), "the audience holds");
        gateway.post_json(&resend, &json!({"text": 1})).await.problem(422, "unknown_field");
        let unknown = format!("{path}/deliveries/{}/resend", gateway.position(77));
        gateway.request("POST", &unknown, |request| request).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn each_attempt_is_listed_once_on_whatever_page() {
    for engine in Engine::ALL {
        let mut gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let path = hopeless(&gateway, &receiver).await;
        // More than memory keeps, half of them failures.
        let mut expected = Vec::new();
        for number in 0..60 {
            receiver.answer(if number % 2 == 0 { 500 } else { 200 });
            expected.push(gateway.push("default", &number.to_string()).await);
            receiver.next().await;
        }
        expected.reverse();
        count(&gateway, &path, "failed", 30).await;
        count(&gateway, &path, "lag", 0).await;
        // Of the oldest ten, the store has the failures.
        let is_kept = |(index, _): &(usize, &String)| *index < 50 || index % 2 == 1;
        let kept: Vec<String> =
            expected.iter().enumerate().filter(is_kept).map(|(_, id)| id.clone()).collect();
        assert_eq!(kept.len(), 55);
        assert_eq!(pages(&gateway, &path, "").await, kept);
        let failed: Vec<String> = expected.iter().skip(1).step_by(2).cloned().collect();
        assert_eq!(pages(&gateway, &path, "&delivered=false").await, failed);
        let one = pages(&gateway, &path, &format!("&event_id={}", failed[3])).await;
        assert_eq!(one, [failed[3].clone()]);

        if engine == Engine::Embedded {
            // Successful attempts leave no trace; failed ones stay.
            gateway = gateway.restart().await;
            assert_eq!(pages(&gateway, &path, "").await, failed);
            let list = gateway.get(&format!("{path}/attempts")).await.json();
            let id = list["attempts"][0]["id"].as_str().expect("an id").to_owned();
            assert_eq!(gateway.get(&format!("/api/attempts/{id}")).await.json()["status_code"], 500);
        }
        gateway.get(&format!("{path}/attempts?limit=0")).await.problem(400, "invalid_query");
        gateway.get("/api/attempts/x").await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn who_took_an_event_is_told_over_http_and_to_agents() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let (well, ill) = (Receiver::start().await, Receiver::start().await);
        ill.answer(503);
        gateway.push("orders", "before they were there").await;
        let taker = register(&gateway, json!({"webhook_url": well.url_of("/secret-path")})).await.0;
        let waiter =
            register(&gateway, json!({"webhook_url": ill.url_of("/"), "channels": ["orders"]})).await.0;
        let id = gateway.push("orders", "one").await;
        let other = gateway.push("noise", "two").await;
        assert_eq!((well.next().await.path, ill.next().await.path), ("/secret-path".into(), "/".into()));
        well.next().await;
        count(&gateway, &taker, "lag", 0).await;
        count(&gateway, &waiter, "waiting", 1).await;

        let receipts = gateway.get(&format!("/api/events/{id}/receipts")).await.json();
        assert_eq!((&receipts["webhooks_total"], &receipts["webhooks_delivered"]), (&json!(2), &json!(1)));
        let states: Vec<_> =
            receipts["webhooks"].as_array().expect("webhooks").iter().map(|row| &row["state"]).collect();
        assert_eq!(states, ["delivered", "waiting"]);
        assert_eq!(receipts["webhooks"][1]["outcome"], "http_5xx");
        assert!(receipts["webhooks"][1]["next_attempt_at"].is_string(), "{receipts}");
        let receipts = gateway.get(&format!("/api/events/{other}/receipts")).await.json();
        assert_eq!(receipts["webhooks_total"], 1, "the other one does not want it: {receipts}");
        let before = gateway.position(1);
        let receipts = gateway.get(&format!("/api/events/{before}/receipts")).await.json();
        assert_eq!(receipts["webhooks"], json!([]), "nobody was to get it");
        let status = gateway.get("/api/status").await.json();
        assert_eq!(
            status["webhooks"],
            json!({"paused": 0, "failing": 1, "held": 0, "waiting": 1, "failed": 0})
        );

        let told = gateway.tool(Era::Modern, "delivery_status", json!({"event_id": id})).await;
        assert_eq!(told.structured["webhooks_delivered"], 1, "{}", told.text);
        // Recipients without the event come first.
        assert_eq!(told.structured["webhooks"][0]["state"], "waiting");
        assert!(told.text.contains("1 of 2 webhooks accepted it"), "{}", told.text);
        let told =
            gateway.tool(Era::Legacy, "list_targets", json!({"kind": "webhooks", "channel": "noise"})).await;
        assert_eq!(told.structured["webhooks_total"], 1, "{}", told.text);
        assert!(!told.text.contains("secret-path"), "what is behind the host may be secret: {}", told.text);
        let told = gateway.tool(Era::Modern, "list_targets", json!({})).await;
        assert!(told.text.contains("2 webhooks"), "{}", told.text);
        assert_eq!(told.structured["webhooks"][1]["state"], "failing");
    }
}

/// Returns the events of all attempts, page by page; no attempt comes twice.
async fn pages(gateway: &Gateway, path: &str, filter: &str) -> Vec<String> {
    let (mut events, mut seen, mut cursor) = (Vec::new(), HashSet::new(), String::new());
    loop {
        let page = gateway.get(&format!("{path}/attempts?limit=7{filter}{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let page = page.json();
        for attempt in page["attempts"].as_array().expect("attempts") {
            assert!(seen.insert(attempt["id"].to_string()), "twice: {attempt}");
            events.push(attempt["event_id"].as_str().expect("an event").to_owned());
        }
        let Some(next) = page["next_cursor"].as_str() else { return events };
        cursor = format!("&cursor={next}");
    }
}
