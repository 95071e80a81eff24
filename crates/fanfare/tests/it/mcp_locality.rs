//! An MCP session has the trust of the client that opened it: messages that may come from elsewhere cannot use
//! a session of this machine.

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::mcp_stream::{Door, request};
use crate::support::raw::Raw;

/// What a proxy adds.
const FORWARDED: (&str, &str) = ("x-forwarded-for", "203.0.113.7");
const UNKNOWN: &str = "0123456789abcdef0123456789abcdef";

async fn send(gateway: &Gateway, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let build = |mut request: reqwest::RequestBuilder| {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.header("accept", "application/json, text/event-stream").json(body)
    };
    gateway.request(method, path, build).await
}

#[tokio::test]
async fn a_message_from_elsewhere_finds_no_stream_of_this_machine() {
    let gateway = Gateway::start().await;
    for door in Door::ALL {
        let mut stream = door.open(&gateway).await;
        let call = |id: &str| match door {
            Door::Connection => {
                let mut ping = request(1, "ping", json!({}));
                ping["connection_id"] = id.into();
                vec![("/mcp/sse/message".to_owned(), ping)]
            }
            Door::HttpSse => vec![
                (format!("/messages/?session_id={id}"), request(1, "ping", json!({}))),
                (
                    "/sse".to_owned(),
                    json!({ "session_id": id, "tool": "push_stream", "args": { "message": "a" } }),
                ),
            ],
        };
        for ((path, message), (_, unknown)) in call(&stream.id).iter().zip(call(UNKNOWN)) {
            let answer = send(&gateway, "POST", path, &[FORWARDED], message).await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.text());
            let path = path.replace(&stream.id, UNKNOWN);
            assert_eq!(answer.body, send(&gateway, "POST", &path, &[], &unknown).await.body);
        }
        // The session goes on, and nothing of theirs is in it.
        stream.ask(&gateway, 2, "ping", json!({})).await;
    }
    assert_eq!(gateway.hub.last().seq, 0);
}

#[tokio::test]
async fn a_message_from_elsewhere_finds_no_session_of_this_machine() {
    let gateway = Gateway::start().await;
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let initialize = request(1, "initialize", params);
    let ping = request(2, "ping", json!({}));
    let begun = send(&gateway, "POST", "/mcp", &[], &initialize).await;
    let session = ("mcp-session-id", begun.header("mcp-session-id"));
    for method in ["POST", "GET", "DELETE"] {
        let answer = send(&gateway, method, "/mcp", &[session, FORWARDED], &ping).await;
        assert_eq!(answer.status, 404, "{method}: {}", answer.text());
    }
    assert_eq!(send(&gateway, "POST", "/mcp", &[session], &ping).await.status, 200);

    // A session that was opened elsewhere works, for everyone.
    let begun = send(&gateway, "POST", "/mcp", &[FORWARDED], &initialize).await;
    let session = ("mcp-session-id", begun.header("mcp-session-id"));
    for headers in [&[session, FORWARDED][..], &[session]] {
        assert_eq!(send(&gateway, "POST", "/mcp", headers, &ping).await.status, 200);
    }
}

#[tokio::test]
async fn a_stream_that_was_opened_elsewhere_has_no_more_rights_for_messages_of_this_machine() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect(gateway.address).await;
    raw.get("/sse", "x-forwarded-for: 203.0.113.7\r\n").await;
    let opening = String::from_utf8(raw.chunk().await.expect("first bytes")).expect("text");
    let path = opening.lines().find_map(|line| line.strip_prefix("data: ")).expect("an address");
    let call = json!({ "name": "push_stream", "arguments": { "message": "a", "host": "127.0.0.1" } });
    assert_eq!(send(&gateway, "POST", path, &[], &request(1, "tools/call", call)).await.status, 202);
    let answer = String::from_utf8(raw.chunk().await.expect("an answer")).expect("text");
    assert!(answer.contains("only work for callers on the gateway's own machine"), "{answer}");
    assert_eq!(gateway.hub.last().seq, 0);
}
