//! Requests that last without being streams: waits of MCP. They count like streams, so one caller cannot take every
//! connection with them.

use fanfare_server::mcp::toolset::Toolset;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::tools::Era;

/// The limit on connections.
const MAX: usize = 16;
/// Those of them that last, for one caller.
const SHARE: usize = 12;

async fn start() -> Gateway {
    Gateway::with(Engine::Memory, |config| {
        config.http.max_connections = MAX;
        config.mcp.toolset = Toolset::All;
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
        assert_eq!((head.status, &answer["id"]), (503, &json!(1)), "{answer}");
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
