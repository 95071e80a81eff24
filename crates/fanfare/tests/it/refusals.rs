//! The same refusal in the same words, whichever door a caller came through.

use fanfare_core::Timestamp;
use fanfare_delivery::attempt_id::AttemptId;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::socket::Socket;
use crate::support::tools::Era;
use crate::webhooks_api::register;

fn words(problem: &Value) -> [&str; 2] {
    ["detail", "fix"].map(|name| problem[name].as_str().expect(name))
}

#[tokio::test]
async fn a_position_that_is_not_in_the_log_is_refused_alike_over_http_and_on_a_socket() {
    let gateway = Gateway::start().await;
    let mut socket = Socket::open(gateway.address).await;
    let subscribed = socket.ask(json!({"op": "subscribe", "reader": "agent"})).await;
    assert_eq!(subscribed["op"], "subscribed", "{subscribed}");
    assert_eq!(socket.json().await["op"], "caught-up");
    let beyond = gateway.position(7);
    let answer = gateway.post_json("/api/readers/agent/ack", &json!({"position": beyond})).await;
    let problem = answer.problem(422, "invalid_position");
    let said = socket.ask(json!({"op": "ack", "position": beyond})).await;
    assert_eq!(words(&said["error"]), words(&problem), "{said}");
    assert_eq!((&said["error"]["code"], &said["error"]["at"]), (&problem["code"], &problem["at"]));
}

#[tokio::test]
async fn what_cannot_be_replayed_is_refused_alike_over_http_and_by_a_tool() {
    let gateway = Gateway::with_every_tool(Engine::Memory).await;
    let (path, _) = register(&gateway, json!({"webhook_url": "http://127.0.0.1:9/"})).await;
    let id = path.rsplit('/').next().expect("an id");
    let replay = json!({"event_ids": [gateway.position(7)], "dry_run": true});
    let answer = gateway.post_json(&format!("{path}/replay"), &replay).await;
    let problem = answer.problem(404, "not_found");
    let said = gateway
        .tool_error(
            Era::Modern,
            "replay_webhook",
            json!({"webhook_id": id, "event_ids": replay["event_ids"], "dry_run": true}),
        )
        .await;
    assert!(said.starts_with(words(&problem)[0]), "{said} {problem}");

    let (both, fields) = (
        json!({"event_ids": ["x"], "state": "failed", "dry_run": true}),
        json!({"webhook_id": id, "event_ids": ["x"], "state": "failed", "dry_run": true}),
    );
    let problem = gateway.post_json(&format!("{path}/replay"), &both).await.problem(422, "invalid_webhook");
    let said = gateway.tool_error(Era::Modern, "replay_webhook", fields).await;
    assert!(words(&problem).iter().all(|words| said.contains(words)), "{said} {problem}");
}

#[tokio::test]
async fn what_is_missing_is_named_with_the_way_to_those_that_are_there() {
    let gateway = Gateway::with_every_tool(Engine::Memory).await;
    let (path, _) = register(&gateway, json!({"webhook_url": "http://127.0.0.1:9/"})).await;
    let event = gateway.position(7);
    let attempt = AttemptId {
        webhook: path.rsplit('/').next().expect("an id").parse().expect("a webhook's id"),
        seq: 7,
        number: 1,
        at: Timestamp::from_micros(1_795_000_000_000_000),
    };
    for (method, missing, listed) in [
        ("GET", "/api/nothing".to_owned(), "/openapi.json"),
        ("GET", format!("/api/events/{event}/receipts"), "/api/events"),
        ("DELETE", "/api/readers/nobody".to_owned(), "/api/readers"),
        ("GET", "/api/webhooks/wh_aaaaaaaaaaaaaaaa".to_owned(), "/api/webhooks?details=true"),
        ("DELETE", "/api/webhooks/wh_aaaaaaaaaaaaaaaa".to_owned(), "/api/webhooks?details=true"),
        ("DELETE", format!("{path}/deliveries/{event}"), "/api/webhooks/{id}/deliveries"),
        ("POST", format!("{path}/deliveries/{event}/resend"), "/api/events"),
        ("GET", format!("/api/attempts/{attempt}"), "/api/webhooks/{id}/attempts"),
    ] {
        let problem = gateway.request(method, &missing, |request| request).await.problem(404, "not_found");
        let fix = problem["fix"].as_str().expect("a fix");
        assert!(fix.starts_with(&format!("`GET {listed}` lists")), "{missing}: {problem}");
    }
}
