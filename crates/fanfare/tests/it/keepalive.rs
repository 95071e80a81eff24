//! The interval of keepalives: that of the gateway, and the one that a client asks for.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::gateway::{Gateway, reqwest_client, send_apart};
use crate::support::process::Process;
use crate::support::raw::Raw;
use crate::support::socket::{Said, Socket};
use crate::support::soon;

/// Reads a stream until `sign` has come twice. The gateway's own interval is longer than a test may wait.
async fn comes_twice(door: &str, sign: &str, mut more: impl AsyncFnMut() -> Vec<u8>) {
    let begun = Instant::now();
    let mut said = String::new();
    soon(door, async {
        while said.matches(sign).count() < 2 {
            said.push_str(&String::from_utf8(more().await).expect("text"));
        }
    })
    .await;
    assert!(begun.elapsed() > Duration::from_millis(900), "{door} repeats itself: {said}");
}

/// Reads a WebSocket at `url` until it was pinged twice.
async fn is_pinged_twice(url: &str) -> Socket {
    let (wire, _) = soon("a handshake", tokio_tungstenite::connect_async(url)).await.expect("a handshake");
    let mut socket = Socket { wire };
    for _ in 0..2 {
        assert!(matches!(socket.hear().await, Said::Ping), "{url}");
    }
    socket
}

#[tokio::test]
async fn a_client_chooses_how_often_each_door_says_that_it_is_there() {
    let gateway = Gateway::start().await;
    let begun = gateway
        .post_json(
            "/mcp",
            &json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "a", "version": "1"}}}),
        )
        .await;
    let session =
        format!("accept: text/event-stream\r\nmcp-session-id: {}\r\n", begun.header("mcp-session-id"));
    let over_http1 = async |path: &str, headers: &str, sign: &str| {
        let mut raw = Raw::connect(gateway.address).await;
        assert_eq!(raw.get(path, headers).await.status, 200, "{path}");
        comes_twice(path, sign, async || raw.chunk().await.expect("more of the stream")).await;
    };
    let over_http2 = async {
        let url = gateway.url("/stream?keepalive=1s");
        let mut response = send_apart(reqwest_client(true).get(url)).await;
        comes_twice("HTTP/2", "\n:\n", async || {
            response.chunk().await.expect("more").expect("more of the stream").to_vec()
        })
        .await;
    };
    let address = gateway.address;
    let (events, messages) =
        (format!("ws://{address}/ws?keepalive=1s"), format!("ws://{address}/mcp?keepalive=1s"));
    let (_, _, _, _, _, mut socket, _) = tokio::join!(
        over_http1("/stream?keepalive=1s", "", "\n:\n"),
        over_http1("/sse?keepalive=1s", "", ": keepalive\n\n"),
        over_http1("/mcp/sse?keepalive=1s", "", "event: heartbeat\n"),
        over_http1("/mcp?keepalive=1s", &session, ": keepalive\n\n"),
        over_http2,
        is_pinged_twice(&events),
        is_pinged_twice(&messages),
    );
    // A client that answers stays, however short the interval.
    assert_eq!(socket.ask(json!({"op": "ping"})).await["op"], "pong");
}

#[tokio::test]
async fn the_interval_of_the_gateway_is_a_setting() {
    let home = tempfile::tempdir().expect("a folder");
    let gateway = Process::with(&home.path().join("log.db"), &[], &[("FANFARE_KEEPALIVE", "1s")]).await;
    let address: std::net::SocketAddr =
        gateway.url.strip_prefix("http://").and_then(|address| address.parse().ok()).expect("an address");
    let url = format!("ws://{address}/ws");
    let listening = async {
        let mut raw = Raw::connect(address).await;
        raw.get("/stream", "").await;
        comes_twice("/stream", "\n:\n", async || raw.chunk().await.expect("more")).await;
        raw
    };
    let (_listening, _socket) = tokio::join!(listening, is_pinged_twice(&url));
    // A client may want fewer: none comes while three come to another client.
    let mut patient = Raw::connect(address).await;
    patient.get("/stream?keepalive=5m", "").await;
    let mut raw = Raw::connect(address).await;
    raw.get("/stream", "").await;
    let mut said = Vec::new();
    comes_twice("the patient", "\n:\n", async || {
        tokio::select! {
            more = patient.chunk() => { said.extend(more.expect("more")); Vec::new() }
            more = raw.chunk() => more.expect("more"),
        }
    })
    .await;
    assert!(!String::from_utf8_lossy(&said).contains("\n:\n"), "{said:?}");
}

#[tokio::test]
async fn an_interval_out_of_bounds_is_refused_at_each_door() {
    let gateway = Gateway::start().await;
    let http = reqwest_client(false);
    const HANDSHAKE: [(&str, &str); 4] = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ];
    for (path, headers) in [
        ("/stream", &[][..]),
        ("/ws", &HANDSHAKE),
        ("/sse", &[]),
        ("/mcp/sse", &[]),
        ("/mcp", &[("accept", "text/event-stream")]),
        ("/mcp", &HANDSHAKE),
    ] {
        for (value, problem) in [
            ("500ms", "`500ms` is too short"),
            ("6m", "`6m` is too long"),
            ("often", "`often` is not a duration"),
        ] {
            let mut request = http.get(gateway.url(&format!("{path}?keepalive={value}")));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = soon(path, request.send()).await.expect("an answer");
            assert_eq!(answer.status(), 400, "{path} {value}");
            let said = soon(path, answer.text()).await.expect("text");
            assert!(said.contains(problem) && said.contains("keepalive"), "{path}: {said}");
        }
    }
    assert_eq!(gateway.hub.client_count(), 0);
}
