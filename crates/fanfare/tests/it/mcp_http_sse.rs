//! HTTP+SSE (2024-11-05), and the flow of seed 4 on the same door.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::mcp_stream::{Door, request, sessions};
use crate::support::raw::Raw;

#[tokio::test]
async fn the_stream_begins_as_the_seed_writes_it() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect(gateway.address).await;
    raw.get("/sse", "").await;
    let first = String::from_utf8(raw.chunk().await.expect("first bytes")).expect("text");
    let id = first
        .strip_prefix("event: endpoint\ndata: /messages/?session_id=")
        .and_then(|rest| rest.get(..32))
        .expect("an id");
    let rest = &first["event: endpoint\ndata: /messages/?session_id=".len() + 32..];
    let tools = rest.strip_prefix("\n\nevent: tools\ndata: ").expect("tools").strip_suffix("\n\n");
    let tools: Value = serde_json::from_str(tools.expect("one event")).expect("JSON");
    let listed = gateway.post_json("/mcp", &request(1, "tools/list", json!({}))).await.json();
    assert_eq!(tools, listed["result"]["tools"]);
    for path in ["/messages", "/messages/"] {
        let ping = request(1, "ping", json!({}));
        let taken = gateway.post_json(&format!("{path}?session_id={id}"), &ping).await;
        assert_eq!(taken.status, 202);
        let answer = String::from_utf8(raw.chunk().await.expect("an answer")).expect("text");
        assert_eq!(answer, "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n");
    }
}

#[tokio::test]
async fn the_address_narrows_the_tools() {
    let gateway = Gateway::start().await;
    let refused = gateway.get("/sse?toolset=every").await;
    assert_eq!(refused.status, 400);
    let mut raw = Raw::connect(gateway.address).await;
    raw.get("/sse?toolset=readonly", "").await;
    let first = String::from_utf8(raw.chunk().await.expect("first bytes")).expect("text");
    assert!(first.contains("event: tools\ndata: [") && !first.contains("\"push_stream\""), "{first}");
}

#[tokio::test]
async fn seed_4_calls_tools_by_name() {
    let gateway = Gateway::start().await;
    let mut client = Door::HttpSse.open(&gateway).await;
    let session = client.id.clone();
    let call = |tool: &str, args: Value| json!({ "session_id": session, "tool": tool, "args": args });

    let taken = gateway.post_json("/sse", &call("push_stream", json!({ "message": "hello" }))).await;
    assert_eq!((taken.status, taken.header("content-type")), (202, "application/json"));
    let result = client.event("result").await;
    assert_eq!(taken.json()["call_id"], result.last_event_id, "an answer says which call it is for");
    let result: Value = serde_json::from_str(&result.data).expect("JSON");
    let id = result["structuredContent"]["id"].as_str().expect("an id");
    assert_eq!(gateway.get(&format!("/api/events/{id}")).await.json()["message"], "hello");

    // A failure of the tool is its result; an invalid call is an error.
    gateway.post_json("/sse", &call("push_stream", json!({}))).await;
    assert_eq!(client.json("result").await["isError"], true);
    gateway.post_json("/sse", &call("no_such_tool", Value::Null)).await;
    let error = client.json("error").await;
    assert!(error["message"].as_str().is_some_and(|text| text.contains("no_such_tool")), "{error}");

    // Both ways of asking can be mixed.
    client.ask(&gateway, 1, "ping", json!({})).await;
    let bare = json!({ "session_id": session, "tool": "push_stream" });
    assert_eq!(gateway.post_json("/sse", &bare).await.status, 202);
    assert_eq!(client.json("result").await["isError"], true);
}

#[tokio::test]
async fn what_seed_4_would_not_send_is_refused_with_what_it_would() {
    let gateway = Gateway::start().await;
    let client = Door::HttpSse.open(&gateway).await;
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        ("[]", -32600),
        ("{}", -32600),
        (r#"{"session_id": 5, "tool": "push_stream"}"#, -32600),
        (r#"{"tool": "push_stream"}"#, -32600),
        (&json!({ "session_id": client.id }).to_string(), -32600),
        (&json!({ "session_id": client.id, "tool": "push_stream", "args": [1] }).to_string(), -32600),
    ] {
        let refused = gateway.post("/sse", "application/json", body.to_owned()).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(code)), "{body}");
    }
}

#[tokio::test]
async fn clients_that_try_streamable_http_first_are_sent_to_get() {
    let gateway = Gateway::start().await;
    let refused = gateway.post_json("/sse", &request(1, "initialize", json!({}))).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET"));
    assert!(refused.json()["error"]["message"].as_str().is_some_and(|text| text.contains("`/mcp`")));
}

#[tokio::test]
async fn a_head_request_leaves_no_session() {
    let gateway = Gateway::start().await;
    for path in ["/sse", "/mcp/sse"] {
        let answer = gateway.request("HEAD", path, |request| request).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"), "{path}");
        sessions(&gateway, 0).await;
    }
}

#[tokio::test]
async fn its_session_is_none_for_streamable_http() {
    let gateway = Gateway::start().await;
    for door in [Door::HttpSse, Door::Connection] {
        let client = door.open(&gateway).await;
        let answer = gateway
            .request("POST", "/mcp", |post| {
                post.header("mcp-session-id", &client.id).json(&request(1, "ping", json!({})))
            })
            .await;
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let gateway = Gateway::start().await;
    let mut client = Door::HttpSse.open(&gateway).await;
    let path = format!("/messages/?session_id={}", client.id);
    for (body, code) in [("", -32700), ("{\"jsonrpc\"", -32700), ("[]", -32600), ("{}", -32600)] {
        let refused = gateway.post(&path, "application/json", body).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(code)), "{body}");
    }
    assert_eq!(gateway.post(&path, "application/json", vec![b' '; 5 << 20]).await.status, 413);
    assert_eq!(gateway.post_json("/messages/", &request(1, "ping", json!({}))).await.status, 400);
    // A request with an id waits for its answer on the stream.
    let wrong = json!({ "jsonrpc": "1.0", "id": 5, "method": "ping" });
    assert_eq!(gateway.post_json(&path, &wrong).await.status, 202);
    let answer = client.message().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(5), &json!(-32600)));
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive_with_comments() {
    let gateway =
        Gateway::with(Engine::Memory, |config| config.http.keepalive = Duration::from_millis(200)).await;
    let mut client = Door::HttpSse.open(&gateway).await;
    for _ in 0..2 {
        let comment = client.raw.chunk().await.expect("a comment");
        assert_eq!(comment, b": keepalive\n\n");
    }
}
