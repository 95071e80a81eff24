//! The machine's clock is set while the gateway runs, and while it does not: nothing is lost, and nothing lasts shorter
//! or longer for it.

use std::time::Duration;

use fanfare_core::Timestamp;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::turned::Turned;

/// A month, in hours.
const MONTH: i64 = 30 * 24;

async fn history(gateway: &Gateway, query: &str) -> Vec<Value> {
    let answer = gateway.get(&format!("/api/events?order=oldest&{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["events"].as_array().expect("events").clone()
}

fn messages(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["message"].as_str().expect("a message")).collect()
}

/// Returns how many seconds an event says that it is away from the true time.
fn off(event: &Value) -> i64 {
    let at: Timestamp = event["timestamp"].as_str().expect("a timestamp").parse().expect("a time");
    (at.as_micros() - fanfare_runtime::clock::wall().as_micros()) / 1_000_000
}

async fn sweep(gateway: &Gateway) {
    while gateway.store.sweep().await.expect("swept").has_more {}
}

async fn is_repeated(gateway: &Gateway, message: &str) -> bool {
    let again = json!({ "message": message, "idempotency_key": "order-1" });
    gateway.post_json("/api/push", &again).await.json()["repeated"] == true
}

#[tokio::test]
async fn a_wrong_clock_empties_no_log_and_is_in_no_event() {
    for engine in Engine::ALL {
        for hours in [MONTH, -MONTH, 25, -25] {
            let turned = Turned::default();
            let gateway = turned.gateway(engine).await;
            gateway.push_event(json!({ "message": "first", "idempotency_key": "order-1" })).await;
            turned.by(hours);
            gateway.push("default", "while it is wrong").await;
            sweep(&gateway).await;
            assert!(is_repeated(&gateway, "first").await, "{hours} h: a retry within the minute");
            let skew = gateway.metric("fanfare_clock_skew_seconds").await.expect("the metric");
            assert!((skew - (hours * 3_600) as f64).abs() < 2.0, "{hours} h: {skew}");
            turned.by(0);
            gateway.push("default", "when it is right").await;
            let all = history(&gateway, "").await;
            assert_eq!(messages(&all), ["first", "while it is wrong", "when it is right"], "{hours} h");
            assert!(all.iter().all(|event| off(event).abs() < 60), "{hours} h: {all:?}");
            assert_eq!(history(&gateway, "since=1m").await.len(), 3, "{hours} h");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_from_the_future_do_not_hold_the_time_back() {
    let turned = Turned::default();
    turned.by(MONTH);
    let mut gateway = turned.gateway(Engine::Embedded).await;
    gateway.push_event(json!({ "message": "from the future", "idempotency_key": "order-1" })).await;
    turned.by(0);
    gateway = turned.restarted(gateway).await;
    let short = gateway.push_event(json!({ "message": "short", "expires_in": "1h" })).await;
    let shown = gateway.get(&format!("/api/events/{short}")).await.json();
    assert!(off(&shown).abs() < 60, "{shown}");
    let expires: Timestamp = shown["expires_at"].as_str().expect("a time").parse().expect("a time");
    let timestamp: Timestamp = shown["timestamp"].as_str().expect("a time").parse().expect("a time");
    assert_eq!(expires, timestamp.after(Duration::from_secs(3_600)));
    assert_eq!(messages(&history(&gateway, "").await), ["from the future", "short"], "the seq is the order");
    assert!(is_repeated(&gateway, "from the future").await);
    // A month later than the first event says, both are as old as they are.
    gateway = turned.restarted(gateway).await;
    sweep(&gateway).await;
    assert_eq!(messages(&history(&gateway, "since=1h").await), ["from the future", "short"]);
    assert!(messages(&history(&gateway, "since=1ms").await).is_empty());
}
