//! The connection protocol of seed 5.

use std::time::Duration;

use serde_json::json;

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::mcp_stream::{Door, request};
use crate::support::raw::Raw;

#[tokio::test]
async fn seed_5_connects_and_asks() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect(gateway.address).await;
    raw.get("/mcp/sse", "").await;
    let first = String::from_utf8(raw.chunk().await.expect("first bytes")).expect("text");
    let id = first.strip_prefix("event: connected\ndata: {\"connection_id\":\"");
    let id = id.and_then(|rest| rest.strip_suffix("\"}\n\n")).expect("one event");
    let mut ask = request(1_764_000_000_000_u64, "tools/list", json!({}));
    ask["connection_id"] = id.into();
    let taken = gateway.post_json("/mcp/sse/message", &ask).await;
    assert_eq!((taken.status, taken.header("content-type")), (202, "application/json"));
    // `fetch(…).json()` works, and returns the name of the answer.
    assert_eq!(taken.json(), json!({ "status": "accepted", "connection_id": id, "id": 1764000000000_u64 }));
    let answer = String::from_utf8(raw.chunk().await.expect("an answer")).expect("text");
    assert!(
        answer.starts_with(
            "event: mcp_response\ndata: {\"jsonrpc\":\"2.0\",\"id\":1764000000000,\"result\":{\"tools\":["
        ),
        "{answer}"
    );
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/initialized", "connection_id": id });
    let taken = gateway.post_json("/mcp/sse/message", &told).await;
    assert_eq!(taken.json()["id"], json!(null));
}

#[tokio::test]
async fn heartbeats_tell_the_time() {
    let gateway =
        Gateway::with(Engine::Memory, |config| config.http.keepalive = Duration::from_millis(200)).await;
    let mut client = Door::Connection.open(&gateway).await;
    let mut last = String::new();
    for _ in 0..2 {
        let beat = client.json("heartbeat").await;
        let timestamp = beat["timestamp"].as_str().expect("a time").to_owned();
        assert!(timestamp > last && timestamp.ends_with("+00:00"), "{timestamp} after {last}");
        last = timestamp;
    }
}

#[tokio::test]
async fn what_could_not_be_taken_is_said_on_the_stream_too() {
    let gateway = Gateway::start().await;
    let mut client = Door::Connection.open(&gateway).await;
    for (message, id) in [
        (json!({ "jsonrpc": "2.0", "id": 1 }), json!(1)),
        (json!({ "jsonrpc": "1.0", "id": "two", "method": "ping" }), json!("two")),
        (json!({ "method": "ping" }), json!(null)),
    ] {
        let refused = Door::Connection.send(&gateway, &client.id, &message).await;
        assert_eq!(refused.status, 400, "{message}");
        let said = client.json("error").await;
        assert_eq!((&said["id"], &said["error"]["code"]), (&id, &json!(-32600)));
        assert_eq!(refused.json(), said);
    }
    for (body, code) in
        [("", -32700), ("{\"connection_id\"", -32700), ("[]", -32600), (r#"{"connection_id":5}"#, -32600)]
    {
        let refused = gateway.post("/mcp/sse/message", "application/json", body).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(code)), "{body}");
    }
    let unnamed = gateway.post_json("/mcp/sse/message", &request(1, "ping", json!({}))).await;
    assert!(unnamed.status == 400 && unnamed.text().contains("connection_id"), "{}", unnamed.text());
    client.ask(&gateway, 5, "ping", json!({})).await;
}

#[tokio::test]
async fn pages_of_this_machine_may_connect_and_others_not() {
    let gateway = Gateway::start().await;
    for (origin, allowed) in [("http://localhost:3000", true), ("https://evil.example", false)] {
        let mut raw = Raw::connect(gateway.address).await;
        let head = raw.get("/mcp/sse", &format!("origin: {origin}\r\n")).await;
        let told = head.header("access-control-allow-origin");
        assert_eq!((head.status, told), if allowed { (200, origin) } else { (403, "") });
        let preflight = gateway
            .request("OPTIONS", "/mcp/sse/message", |request| {
                request
                    .header("origin", origin)
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", "content-type")
            })
            .await;
        assert_eq!(preflight.status, if allowed { 204 } else { 403 });
    }
}
