//! The state of webhooks: one word for each, and lists of those in one state.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::receiver::Receiver;
use crate::support::until;
use crate::webhooks_api::register;

async fn listed(gateway: &Gateway, query: &str) -> Value {
    let answer = gateway.get(&format!("/api/webhooks?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn webhooks_are_listed_by_their_state() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let url = |path: &str| receiver.url_of(path);
    let (fine, _) = register(&gateway, json!({"webhook_url": url("/fine")})).await;
    let narrow = json!({"webhook_url": url("/paused"), "channels": ["builds"]});
    let (paused, _) = register(&gateway, narrow).await;
    gateway.post_json(&format!("{paused}/pause"), &json!({})).await;
    gateway.push("other", "not for the paused one").await;
    receiver.next().await;
    until("it is done", async || (gateway.get(&fine).await.json()["lag"] == 0).then_some(())).await;

    for (state, path) in [("active", "/fine"), ("paused", "/paused")] {
        let found = listed(&gateway, &format!("state={state}")).await;
        assert_eq!((&found["webhooks"], &found["total"]), (&json!([url(path)]), &json!(1)), "{state}");
        let found = listed(&gateway, &format!("details=true&state={state}")).await;
        assert_eq!(found["items"][0]["state"], state);
    }
    for state in ["failing", "held"] {
        assert_eq!(listed(&gateway, &format!("state={state}")).await["total"], 0, "{state}");
    }
    let refused = gateway.get("/api/webhooks?state=ok").await.problem(400, "invalid_query");
    assert_eq!(refused["at"], "?state");

    // A list counts what is for a webhook, like a webhook alone.
    let found = listed(&gateway, "details=true&state=paused").await["items"][0].clone();
    assert_eq!((&found["lag"], &found["lag_is_exact"]), (&json!(0), &json!(true)));
    let alone = gateway.get(&paused).await.json();
    assert_eq!((&alone["lag"], &alone["lag_is_exact"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn a_webhook_whose_last_attempt_failed_is_failing_and_says_why() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let (path, _) = register(&gateway, json!({"webhook_url": receiver.url(), "retry": []})).await;
    let active = gateway.get(&path).await.json();
    assert_eq!((&active["state"], active.get("explanation")), (&json!("active"), None));
    receiver.answer(500);
    for _ in 0..2 {
        gateway.push("default", "refused").await;
    }
    let failing = until("it is known", async || {
        let shown = gateway.get(&path).await.json();
        (shown["failures"] == 2).then_some(shown)
    })
    .await;
    assert_eq!((&failing["state"], failing.get("paused_reason")), (&json!("failing"), None));
    assert_eq!(failing["explanation"], "failed 2 times in a row, the last time with http_5xx");
}
