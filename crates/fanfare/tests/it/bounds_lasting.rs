//! Requests that last without being streams: slow bodies, waits of MCP and waits for webhooks. They count like
//! streams, so one caller cannot take every connection with them.

use std::time::Duration;

use fanfare::gateway::Config;
use fanfare_server::mcp::toolset::Toolset;
use serde_json::{Value, json};

use crate::bounds_connections::begin;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::receiver::{Receiver, Script};
use crate::support::tools::Era;
use crate::support::{Engine, until};

/// The limit on connections.
const MAX: usize = 16;
/// Those of them that last, for one caller.
const SHARE: usize = 12;

async fn start() -> Gateway {
    start_with(|_| {}).await
}

async fn start_with(change: impl FnOnce(&mut Config)) -> Gateway {
    Gateway::with(Engine::Memory, |config| {
        config.http.max_connections = MAX;
        config.mcp.toolset = Toolset::All;
        // Nothing in these tests ends because it is slow.
        config.http.body_patience = Duration::from_secs(120);
        change(config);
    })
    .await
}

/// Takes every lasting connection that one caller can have, with streams.
async fn take_share(gateway: &Gateway) -> Vec<Raw> {
    let mut streams = Vec::new();
    for _ in 0..SHARE {
        let mut raw = Raw::connect(gateway.address).await;
        assert_eq!(raw.get("/stream", "").await.status, 200);
        streams.push(raw);
    }
    streams
}

/// Waits until one caller has every lasting connection that it can have.
async fn share_is_taken(gateway: &Gateway) {
    until("the share", async || {
        let lasting = gateway.metric("fanfare_connections_lasting").await;
        (lasting == Some(SHARE as f64)).then_some(())
    })
    .await;
}

/// Sends a call of a tool, over a connection of its own.
async fn call(gateway: &Gateway, accept: &str, tool: &str, arguments: Value) -> Raw {
    let params = json!({ "name": tool, "arguments": arguments });
    let body = Era::Legacy.request(1, "tools/call", params).to_string();
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    raw
}

#[tokio::test]
async fn bodies_that_do_not_come_leave_connections_for_others() {
    let gateway = start().await;
    let mut slow = Vec::new();
    for _ in 0..SHARE {
        let mut raw = Raw::connect(gateway.address).await;
        begin(&mut raw).await;
        slow.push(raw);
    }
    share_is_taken(&gateway).await;
    // The next one is refused once it would count.
    let mut late = Raw::connect(gateway.address).await;
    begin(&mut late).await;
    let head = late.head().await;
    let problem: Value = serde_json::from_slice(&late.body(&head).await).expect("JSON");
    assert_eq!((head.status, head.header("retry-after")), (503, "5"));
    assert_eq!(
        (problem["code"].as_str(), problem["limit"].as_str()),
        (Some("too_many_connections"), Some("streams_per_caller"))
    );
    // A body that comes at once is not affected, and one that comes in the end makes room.
    assert_eq!(gateway.post("/api/push/a", "text/plain", b"x".to_vec()).await.status, 200);
    slow[0].send("xy").await;
    assert_eq!(slow[0].head().await.status, 200);
    until("room", async || {
        let mut raw = Raw::connect(gateway.address).await;
        (raw.get("/stream", "").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn waits_of_agents_leave_connections_for_others() {
    for accept in ["application/json", "text/event-stream"] {
        let gateway = start().await;
        let mut waits = Vec::new();
        for count in 1..=SHARE {
            waits.push(call(&gateway, accept, "wait_for", json!({ "wait": "50s" })).await);
            gateway.clients(count).await;
        }
        let mut refused = call(&gateway, accept, "wait_for", json!({ "wait": "50s" })).await;
        let head = refused.head().await;
        let answer: Value = serde_json::from_slice(&refused.body(&head).await).expect("JSON");
        assert_eq!((head.status, head.header("retry-after"), &answer["id"]), (503, "5", &json!(1)));
        assert_eq!(answer["error"]["data"], json!({ "limit": "streams_per_caller", "retry_after": 5 }));
        assert!(answer["error"]["message"].as_str().expect("a text").contains("12 streams"), "{answer}");
        assert_eq!(gateway.hub.client_count(), SHARE, "the wait did not begin");
        // What ends one of them makes room.
        drop(waits.pop());
        gateway.clients(SHARE - 1).await;
        waits.push(call(&gateway, accept, "wait_for", json!({ "wait": "50s" })).await);
        gateway.clients(SHARE).await;
    }
}

#[tokio::test]
async fn the_answer_of_a_call_that_pushed_needs_no_room() {
    let gateway = start().await;
    let streams = take_share(&gateway).await;
    let mut raw = call(&gateway, "text/event-stream", "push_stream", json!({ "message": "x" })).await;
    let head = raw.head().await;
    assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
    let answer = String::from_utf8(raw.chunk().await.expect("an answer")).expect("UTF-8");
    assert!(answer.contains("Stored as"), "{answer}");
    assert_eq!(gateway.hub.last().seq, 1);
    drop(streams);
}

#[tokio::test]
async fn pushes_wait_for_webhooks_only_while_there_is_room() {
    // Shorter than any push waits, so that a push that waits outlasts its own attempt.
    let gateway = start_with(|config| config.webhooks.attempt_max = Duration::from_secs(8)).await;
    let receiver = Receiver::playing(Vec::new(), Script::Held).await;
    let hook = gateway.register(&receiver, json!({})).await;
    let streams = take_share(&gateway).await;
    // Each is answered before its attempt has ended: the receiver holds it.
    let is_held = |seq: u64| gateway.recent(&hook).iter().all(|attempt| attempt.to_row().position.seq != seq);
    let path = "/api/push/a?wait=50s";
    let answer = gateway.post(path, "text/plain", b"x".to_vec()).await;
    assert_eq!((answer.status, &answer.json()["webhooks_notified"]), (200, &json!(0)));
    assert!(is_held(1), "the push waited for its attempt");
    for (seq, accept) in [(2, "application/json"), (3, "text/event-stream")] {
        let mut raw = call(&gateway, accept, "push_webhook", json!({ "message": "x" })).await;
        assert_eq!(raw.head().await.status, 200);
        let answer = String::from_utf8(raw.chunk().await.expect("an answer")).expect("UTF-8");
        assert!(answer.contains("0 of 1 registered webhooks"), "{answer}");
        assert!(is_held(seq), "the call waited for its attempt");
    }
    // A batch, which the next revision has no more.
    let params = json!({ "name": "push_webhook", "arguments": { "message": "x" } });
    let mut request = Era::Legacy.request(1, "tools/call", params);
    let first = request.clone();
    request["id"] = json!(2);
    let answer = gateway.post_json("/mcp", &json!([first, request])).await;
    assert_eq!((answer.status, answer.json().as_array().map(Vec::len)), (200, Some(2)));
    // In the text of each, and in its structured content.
    assert_eq!(answer.text().matches("0 of 1 registered webhooks").count(), 4, "{}", answer.text());
    assert!(is_held(4) && is_held(5), "the batch waited for its attempts");
    assert_eq!(gateway.hub.last().seq, 5);
    drop(streams);
    gateway.clients(0).await;
    // With room, the push waits longer than a short request: until it is the last one that lasts.
    let push = gateway.post(path, "text/plain", b"x".to_vec());
    let release = async {
        receiver.gets(6).await;
        let mut streams = Vec::new();
        for _ in 1..SHARE {
            let mut raw = Raw::connect(gateway.address).await;
            assert_eq!(raw.get("/stream", "").await.status, 200);
            streams.push(raw);
        }
        share_is_taken(&gateway).await;
        receiver.release();
    };
    let (answer, ()) = tokio::join!(push, release);
    assert_eq!((answer.status, &answer.json()["webhooks_notified"]), (200, &json!(1)));
}
