//! What the server log says about failing webhooks.

use serde_json::{Value, json};

use crate::support::logged::Logged;
use crate::support::receiver::Receiver;

/// Pushes this many events, one after the other, and waits until each was tried.
async fn push(gateway: &Logged, times: usize) {
    for _ in 0..times {
        gateway.post("/api/push", &json!({ "message": "a secret" })).await;
    }
}

#[tokio::test]
async fn a_webhook_that_fails_has_one_line_for_each_change_of_its_state() {
    let mut gateway = Logged::start(&[]).await;
    let receiver = Receiver::start().await;
    let address = receiver.address;
    let hook = json!({
        "webhook_url": format!("http://{address}/token?key=secret"),
        "retry": [],
    });
    let registered = gateway.post("/api/register", &hook).await;
    let id = registered["id"].as_str().expect("an id").to_owned();

    receiver.answer(500);
    push(&gateway, 3).await;
    receiver.answer(200);
    push(&gateway, 3).await;
    receiver.answer(503);
    push(&gateway, 6).await;
    for (level, begins, failures) in [
        ("WARN", "a webhook is failing", json!(1)),
        ("INFO", "a webhook has recovered", Value::Null),
        ("WARN", "a webhook is failing", json!(1)),
        ("WARN", "a webhook is held", json!(5)),
    ] {
        let line = gateway.line().await;
        let message = line["message"].as_str().expect("a message");
        assert!(message.starts_with(begins), "{begins}: {line}");
        assert_eq!((&line["level"], &line["failures"]), (&json!(level), &failures), "{line}");
        assert_eq!((&line["webhook"], &line["host"]), (&json!(id), &json!(address.to_string())), "{line}");
        assert_eq!(line["last_failure"], "http_5xx", "{line}");
        let line = line.to_string();
        assert!(!["secret", "token"].iter().any(|secret| line.contains(secret)), "{line}");
    }
    gateway.post(&format!("/api/webhooks/{id}/pause"), &json!({})).await;
    assert_eq!(gateway.line().await["message"], "a webhook was paused by hand");
    receiver.answer(410);
    gateway.post(&format!("/api/webhooks/{id}/resume"), &json!({})).await;
    let resumed = gateway.line().await;
    assert_eq!(resumed["message"], "a webhook was resumed");
    // However many lines there were before: nobody is sent anything from now on.
    push(&gateway, 1).await;
    let paused = gateway.line().await;
    assert_eq!(paused["level"], "WARN", "{paused}");
    assert!(
        paused["message"].as_str().is_some_and(|said| said.starts_with("a webhook is paused: ")),
        "{paused}"
    );
}
