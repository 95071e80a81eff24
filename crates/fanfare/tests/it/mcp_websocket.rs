//! MCP over a WebSocket: `GET /mcp` with an upgrade.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::rpc::request;
use crate::support::socket::{Said, Socket};
use crate::support::stdio::{modern, push};
use crate::support::{Engine, soon};

const HANDSHAKE: &str = "connection: Upgrade\r\nupgrade: websocket\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn open(gateway: &Gateway, query: &str) -> Socket {
    let request = format!("ws://{}/mcp{query}", gateway.address).into_client_request().expect("a request");
    let connected = soon("a handshake", tokio_tungstenite::connect_async(request)).await;
    Socket { wire: connected.expect("a handshake").0 }
}

/// Sends a message; returns its answer, skipping notifications before it.
async fn ask(socket: &mut Socket, message: Value) -> Value {
    socket.say(&message).await;
    loop {
        let said = socket.json().await;
        if said["method"].is_null() {
            return said;
        }
    }
}

#[tokio::test]
async fn messages_go_both_ways_in_either_era() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        let mut socket = open(&gateway, "").await;
        let answer = ask(&mut socket, request(1, "tools/list", json!({}))).await;
        assert!(answer["result"]["tools"].is_array(), "{answer}");
        let client = json!({ "name": "test", "version": "1" });
        let begin = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        let answer = ask(&mut socket, request(2, "initialize", begin)).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
        socket.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        let answer = ask(&mut socket, request(3, "tools/call", push("a", "legacy"))).await;
        assert_eq!(answer["result"]["structuredContent"]["id"], gateway.position(1));
        let answer = ask(&mut socket, request(4, "tools/call", modern(push("a", "modern")))).await;
        assert_eq!(answer["result"]["resultType"], "complete");
        let mut older = open(&gateway, "").await;
        let begin = json!({ "protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {} });
        let answer = ask(&mut older, request(1, "initialize", begin)).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-03-26");
        let batch = json!([request(5, "ping", json!({})), request(6, "ping", json!({}))]);
        let answer = ask(&mut older, batch).await;
        assert_eq!(answer.as_array().map(Vec::len), Some(2), "{answer}");
        gateway.reached(2).await;
        let events = gateway.get("/api/events?channel=a").await.json();
        assert_eq!(events["events"][0]["source"], json!({ "principal": "local", "door": "mcp" }));
    }
}

#[tokio::test]
async fn mistakes_leave_the_socket_open_but_for_those_of_the_frames() {
    let gateway = Gateway::start().await;
    let mut socket = open(&gateway, "").await;
    for (text, code) in [("no json", -32700), ("{}", -32600), ("[]", -32600)] {
        socket.send(Message::text(text)).await;
        assert_eq!(socket.json().await["error"]["code"], code, "{text}");
    }
    // Larger than the maximum of `/ws`: an event with all its data fits.
    let mut large = push("a", "x");
    large["arguments"]["message"] = "ü".repeat(120 << 10).into();
    large["arguments"]["data"] = json!({ "escapes": "\u{1}".repeat(40 << 10) });
    let answer = ask(&mut socket, request(1, "tools/call", large)).await;
    assert!(answer["result"]["structuredContent"]["id"].is_string(), "{answer}");
    for (message, code) in
        [(Message::binary(vec![1, 2, 3]), 1003), (Message::text("x".repeat(5 << 20)), 1009)]
    {
        let mut socket = open(&gateway, "").await;
        socket.send(message).await;
        assert_eq!(socket.goodbye().await.0, code);
    }
}

#[tokio::test]
async fn handshakes_are_checked_and_the_subprotocol_is_echoed() {
    let gateway = Gateway::start().await;
    let offered = format!("{HANDSHAKE}sec-websocket-version: 13\r\n");
    for (headers, status, subprotocol) in [
        (format!("{offered}sec-websocket-protocol: chat, mcp\r\n"), 101, "mcp"),
        (offered.clone(), 101, ""),
        (format!("{offered}sec-websocket-protocol: chat\r\n"), 101, ""),
        (format!("{HANDSHAKE}sec-websocket-version: 8\r\n"), 400, ""),
        (format!("{offered}origin: https://evil.example\r\n"), 403, ""),
    ] {
        let head = Raw::connect(gateway.address).await.get("/mcp", &headers).await;
        assert_eq!(head.status, status, "{headers}");
        assert_eq!(head.header("sec-websocket-protocol"), subprotocol, "{headers}");
    }
    let head = Raw::connect(gateway.address).await.get("/mcp?toolset=some", &offered).await;
    assert_eq!(head.status, 400);
    let mut narrow = open(&gateway, "?toolset=readonly").await;
    let answer = ask(&mut narrow, request(1, "tools/list", json!({}))).await;
    assert!(!answer.to_string().contains("push_stream"), "{answer}");
}

#[tokio::test]
async fn a_silent_socket_is_pinged_and_then_let_go_of() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.http.keepalive = Duration::from_millis(400);
    })
    .await;
    let mut socket = open(&gateway, "").await;
    for _ in 0..2 {
        assert!(matches!(socket.hear().await, Said::Ping));
    }
    assert_eq!(ask(&mut socket, request(1, "ping", json!({}))).await["result"], json!({}));
    let mut raw = Raw::connect(gateway.address).await;
    raw.get("/mcp", &format!("{HANDSHAKE}sec-websocket-version: 13\r\n")).await;
    let said = raw.rest().await;
    // Twelve more, because the answer to the first may take five seconds.
    let (pings, end) = said.split_at(2 * 13);
    assert_eq!(pings, [0x89, 0].repeat(13));
    assert_eq!((end[0], u16::from_be_bytes([end[2], end[3]])), (0x88, 1008));
}

#[tokio::test]
async fn a_gateway_that_stops_says_that_all_it_took_is_answered() {
    let gateway = Gateway::start().await;
    let mut socket = open(&gateway, "").await;
    let wanted = modern(json!({ "notifications": { "toolsListChanged": true } }));
    socket.say(&request(1, "subscriptions/listen", wanted)).await;
    assert_eq!(socket.json().await["method"], "notifications/subscriptions/acknowledged");
    gateway.begin_stop();
    let (code, reason) = socket.goodbye().await;
    assert_eq!((code, reason.as_str()), (1001, fanfare_server::mcp::transports::websocket::ANSWERED));
    gateway.stop().await;
}

#[tokio::test]
async fn many_calls_wait_for_their_turn() {
    let gateway = Gateway::start().await;
    let mut socket = open(&gateway, "").await;
    for id in 0..500 {
        socket.say(&request(id, "tools/call", push("a", "x"))).await;
    }
    let mut answered = std::collections::BTreeSet::new();
    for _ in 0..500 {
        let answer = socket.json().await;
        assert!(answer["result"]["structuredContent"]["id"].is_string(), "{answer}");
        answered.insert(answer["id"].as_u64().expect("an id"));
    }
    assert_eq!(answered.len(), 500);
}
