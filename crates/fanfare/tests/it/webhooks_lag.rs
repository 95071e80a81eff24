//! How far a webhook is behind: by the events that it gets, on every surface.

use serde_json::json;

use crate::cli::Gateway as Shell;
use crate::support::gateway::Gateway;
use crate::support::receiver::{Receiver, Script};
use crate::support::tools::Era;
use crate::support::{Engine, until};

#[tokio::test]
async fn the_lag_of_a_webhook_counts_the_events_that_it_gets() {
    for engine in Engine::ALL {
        let gateway = Gateway::with_every_tool(engine).await;
        let busy = Script::with(503, "Retry-After: 3600\r\n");
        let receiver = Receiver::playing(vec![busy], Script::status(200)).await;
        let body = json!({ "webhook_url": receiver.url(), "channels": ["builds.>"], "text": "web" });
        let id =
            gateway.post_json("/api/webhooks", &body).await.json()["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/webhooks/{id}");
        gateway.push("builds.a", "web waits for a retry").await;
        until("held", async || (gateway.get(&path).await.json()["state"] == "held").then_some(())).await;

        for (channel, message, audience) in [
            ("builds.a", "web 1", "all"),
            ("builds.a", "app", "all"),
            ("deploys", "web", "all"),
            ("builds.b", "web for live listeners", "stream"),
            ("builds.b", "WEB 2", "all"),
            ("deploys", "the last", "all"),
        ] {
            let event = json!({ "channel": channel, "message": message, "audience": audience });
            gateway.push_event(event).await;
        }
        let one = gateway.get(&path).await.json();
        assert_eq!(
            (&one["lag"], &one["lag_is_exact"], &one["waiting"]),
            (&json!(2), &json!(true), &json!(1))
        );
        let listed = gateway.get("/api/webhooks?details=true").await.json()["items"][0].clone();
        assert_eq!((&listed["lag"], &listed["lag_is_exact"]), (&json!(2), &json!(true)));
        let targets = gateway.tool(Era::Modern, "list_targets", json!({ "kind": "webhooks" })).await;
        assert_eq!(targets.structured["webhooks"][0]["lag"], 2);
        assert!(targets.text.contains("2 behind"), "{}", targets.text);
        let paused = gateway.tool(Era::Modern, "list_deliveries", json!({ "webhook_id": id })).await;
        assert_eq!(paused.structured["lag"], 2);
        assert_eq!(gateway.metric("fanfare_webhook_lag_max_events").await, Some(2.0));
    }
}

#[tokio::test]
async fn the_lag_is_listed_on_the_command_line() {
    let gateway = Shell::start().await;
    gateway.json(&["webhooks", "add", "http://127.0.0.1:9/hook", "-c", "builds.>"]).await;
    gateway.json(&["webhooks", "pause", "127.0.0.1:9"]).await;
    for channel in ["builds.a", "noise", "noise", "noise"] {
        gateway.push(&["-c", channel, "hi"]).await;
    }
    let listed = gateway.json(&["webhooks", "ls"]).await;
    assert_eq!((&listed["items"][0]["lag"], &listed["items"][0]["lag_is_exact"]), (&json!(1), &json!(true)));
    let table = gateway.run(&["webhooks", "ls"]).await.out;
    let row: Vec<&str> = table.lines().nth(1).expect("a row").split_whitespace().collect();
    assert!(row.contains(&"1") && !row.contains(&"4"), "{table}");
}
