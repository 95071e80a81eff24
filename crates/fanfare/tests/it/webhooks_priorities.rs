//! Webhooks that are behind send the important first, unless the order matters; a restart changes nothing.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::process::Process;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, soon, until};

fn event(message: &str, priority: &str) -> Value {
    json!({ "channel": "a", "message": message, "priority": priority })
}

fn lows(count: usize) -> Vec<Value> {
    (0..count).map(|number| event(&format!("low {number}"), "low")).collect()
}

/// Pushes without waiting for the webhook; returns the ids.
async fn push(gateway: &Gateway, events: Vec<Value>) -> Vec<String> {
    let answer = gateway.post_json("/api/push?wait=0s", &json!(events)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let ids = answer.json()["ids"].as_array().expect("ids").clone();
    ids.iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
}

/// Registers the receiver; returns the path of the webhook.
async fn register(gateway: &Gateway, receiver: &Receiver, mut options: Value) -> String {
    options["webhook_url"] = json!(receiver.url());
    let answer = gateway.post_json("/api/webhooks", &options).await;
    format!("/api/webhooks/{}", answer.json()["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_webhook_that_is_behind_its_rate_sends_the_important_first() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let path = register(&gateway, &receiver, json!({ "rate_per_second": 5 })).await;
        push(&gateway, lows(12)).await;
        receiver.gets(1).await;
        let more = [("min", "min"), ("default", "default"), ("high", "high"), ("max", "max")];
        let ids = push(&gateway, more.map(|(message, priority)| event(message, priority)).to_vec()).await;
        receiver.gets_message("max").await;
        // It is delivered although the cursor is before it, and what is left is the rest.
        let receipts = until("the delivery", async || {
            let receipts = gateway.get(&format!("/api/events/{}/receipts", ids[3])).await.json();
            (receipts["webhooks"][0]["state"] == "delivered").then_some(receipts)
        })
        .await;
        assert_eq!(receipts["webhooks"][0].get("attempts"), None, "{receipts}");
        until("the lag", async || {
            let before = receiver.count();
            let lag = gateway.get(&path).await.json()["lag"].as_u64().expect("a number");
            // Of a delivery in between, either may be counted.
            let left = 16 - before as u64;
            (lag == left || lag + 1 == left).then_some(())
        })
        .await;
        let messages: Vec<String> = receiver.gets(16).await.iter().map(|got| got.message()).collect();
        let place = |wanted: &str| messages.iter().position(|message| message == wanted).expect("it came");
        assert!(place("max") <= 3, "{messages:?}");
        assert_eq!((place("high"), place("default")), (place("max") + 1, place("max") + 2), "{messages:?}");
        let of_lows = messages.iter().filter(|message| message.starts_with("low"));
        let wanted: Vec<_> = (0..12).map(|number| format!("low {number}")).collect();
        assert!(of_lows.eq(&wanted), "those of one priority keep their order: {messages:?}");
        assert_eq!(place("min"), 15, "{messages:?}");
        until("the end", async || (gateway.get(&path).await.json()["lag"] == 0).then_some(())).await;
        assert_eq!(receiver.count(), 16, "each came once");
    }
}

#[tokio::test]
async fn an_ordered_webhook_keeps_the_order_of_the_log() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    register(&gateway, &receiver, json!({ "rate_per_second": 10, "ordered": true })).await;
    let mut events = lows(8);
    events.push(event("max", "max"));
    push(&gateway, events.clone()).await;
    let messages: Vec<String> = receiver.gets(9).await.iter().map(|got| got.message()).collect();
    let wanted: Vec<_> = events.iter().map(|event| event["message"].as_str().expect("text")).collect();
    assert_eq!(messages, wanted);
}

#[tokio::test]
async fn after_a_hold_the_important_come_before_the_retries_and_the_rest() {
    let gateway = Gateway::start().await;
    let busy = Script::with(503, "Retry-After: 2\r\n");
    let receiver = Receiver::playing(vec![busy], Script::status(200)).await;
    let path = register(&gateway, &receiver, json!({ "concurrency": 1 })).await;
    push(&gateway, vec![event("first", "low")]).await;
    until("held", async || (gateway.get(&path).await.json()["state"] == "held").then_some(())).await;
    let mut events = lows(5);
    events.push(event("max", "max"));
    push(&gateway, events).await;
    let messages: Vec<String> = receiver.gets(8).await.iter().map(|got| got.message()).collect();
    assert_eq!((messages[0].as_str(), messages[1].as_str()), ("first", "max"), "{messages:?}");
    let each: HashSet<_> = messages[1..].iter().collect();
    assert_eq!(each.len(), 7, "{messages:?}");
}

#[tokio::test]
async fn what_was_sent_out_of_turn_is_not_sent_again_after_a_restart() {
    let mut gateway = Gateway::on(Engine::Embedded).await;
    let receiver = Receiver::start().await;
    let path = register(&gateway, &receiver, json!({ "rate_per_second": 4 })).await;
    let mut events = lows(10);
    events.push(event("max", "max"));
    push(&gateway, events).await;
    for number in 0..2 {
        receiver.gets_message(if number == 0 { "max" } else { "low 4" }).await;
        gateway = gateway.restart().await;
    }
    until("the end", async || (gateway.get(&path).await.json()["lag"] == 0).then_some(())).await;
    let mut messages = receiver.messages();
    messages.sort();
    let mut wanted: Vec<_> = (0..10).map(|number| format!("low {number}")).collect();
    wanted.push("max".to_owned());
    assert_eq!(messages, wanted);
}

#[tokio::test]
async fn what_was_sent_out_of_turn_is_not_sent_again_after_kill() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let store = directory.path().join("fanfare.db");
    let process = Process::start(&store).await;
    let receiver = Receiver::start().await;
    process.register(&receiver, json!({ "rate_per_second": 1 })).await;
    let mut events = lows(9);
    events.push(event("max", "max"));
    process.post("/api/push?wait=0s", &json!(events)).await.expect("pushed");
    receiver.gets_message("max").await;
    let log = rusqlite::Connection::open(&store).expect("a database");
    until("the delivery is saved", async || {
        let state = log.query_row("SELECT state FROM webhook_states", (), |row| row.get::<_, String>(0));
        let state: Value = serde_json::from_str(&state.expect("a row")).expect("JSON");
        state["early"].as_array().is_some_and(|early| !early.is_empty()).then_some(())
    })
    .await;
    drop(log);
    process.kill().await;
    let process = Process::start(&store).await;
    soon("all of them", async {
        for number in 0..9 {
            receiver.gets_message(&format!("low {number}")).await;
        }
    })
    .await;
    let again = receiver.messages().iter().filter(|message| *message == "max").count();
    assert_eq!(again, 1, "{:?}", receiver.messages());
    process.kill().await;
}

#[tokio::test]
async fn what_was_read_ahead_is_selected_anew_by_another_filter_and_sent_in_order_if_that_is_wanted() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let path = register(&gateway, &receiver, json!({ "rate_per_second": 2 })).await;
    let mut events = lows(6);
    events.push(json!({ "channel": "b", "message": "b default" }));
    events.push(json!({ "channel": "b", "message": "b max", "priority": "max" }));
    push(&gateway, events).await;
    receiver.gets_message("b max").await;
    let change = json!({ "channels": ["b"], "ordered": true, "rate_per_second": 50 });
    let changed = gateway.request("PATCH", &path, |request| request.json(&change)).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let last = json!([{ "channel": "b", "message": "b low", "priority": "min" }, event("of a", "max"),
        { "channel": "b", "message": "b last", "priority": "max" }]);
    push(&gateway, last.as_array().expect("a list").clone()).await;
    receiver.gets_message("b last").await;
    let messages = receiver.messages();
    let of_b: Vec<_> = messages.iter().filter(|message| message.starts_with('b')).collect();
    assert_eq!(of_b, ["b max", "b default", "b low", "b last"], "{messages:?}");
    assert!(messages.len() < 8 && !messages.contains(&"of a".to_owned()), "{messages:?}");
}

#[tokio::test]
async fn an_event_that_was_sent_early_can_be_replayed_and_one_that_is_to_come_cannot() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let receiver = Receiver::start().await;
        let path = register(&gateway, &receiver, json!({ "rate_per_second": 1 })).await;
        let mut events = lows(9);
        events.push(event("max", "max"));
        let ids = push(&gateway, events).await;
        receiver.gets_message("max").await;
        let (early, to_come) = (&ids[9], &ids[8]);
        until("it is delivered", async || {
            let receipts = gateway.get(&format!("/api/events/{early}/receipts")).await.json();
            (receipts["webhooks"][0]["state"] == "delivered").then_some(())
        })
        .await;
        let counted = async |selection: Value| {
            let mut body = selection;
            body["dry_run"] = json!(true);
            gateway.post_json(&format!("{path}/replay"), &body).await.json()["count"].clone()
        };
        assert_eq!(counted(json!({ "event_ids": [to_come] })).await, 0);
        assert_eq!(counted(json!({ "event_ids": [early] })).await, 1);
        let before = &ids[7];
        assert_eq!(counted(json!({ "after": before })).await, 1, "and as a part of the log");
        let replay = json!({ "event_ids": [early], "dry_run": false });
        gateway.post_json(&format!("{path}/replay"), &replay).await;
        let again = async || {
            let times = receiver.messages().iter().filter(|message| *message == "max").count();
            (times == 2).then_some(())
        };
        until("it comes again", again).await;
    }
}
