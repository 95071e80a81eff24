//! Clients that a caller disconnects: how each is told, and who may return.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli;
use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::reader::{Frame, Listen, Transport};
use crate::support::socket::Socket;
use crate::support::{soon, until};

async fn kick(gateway: &Gateway, id: &str, query: &str) -> Answer {
    gateway.request("DELETE", &format!("/api/clients/{id}{query}"), |request| request).await
}

/// Returns the only client.
async fn only(gateway: &Gateway) -> Value {
    gateway.clients(1).await;
    let list = gateway.get("/api/clients").await.json();
    assert_eq!(list["total"], 1, "{list}");
    list["clients"][0].clone()
}

fn id(client: &Value) -> &str {
    client["id"].as_str().expect("an id")
}

#[tokio::test]
async fn a_client_that_is_disconnected_is_told_why_over_every_transport_and_may_return() {
    let gateway = Gateway::start().await;
    for transport in Transport::ALL {
        let mut reader = gateway.listen(transport, "a").await;
        let first = gateway.push("a", "before").await;
        assert_eq!(reader.message().await, "before");
        let listed = until("the position", async || {
            let client = only(&gateway).await;
            (client["position"] == first).then_some(client)
        })
        .await;
        let answer = kick(&gateway, id(&listed), "").await;
        assert_eq!((answer.status, answer.json()), (200, listed.clone()), "the client as it was");
        gateway.clients(0).await;
        let Frame::Closing(closing) = reader.next().await else { panic!("{transport:?} gets a farewell") };
        match transport {
            Transport::Sse1 | Transport::Sse2 => {
                assert_eq!(closing["reason"], "disconnected");
                assert!(closing["retry_ms"].as_u64().is_some_and(|retry_ms| retry_ms > 0), "{closing}");
            }
            Transport::WebSocket => {
                let wanted = json!({"code": 1008, "reason": "an operator disconnected this client"});
                assert_eq!(closing, wanted);
            }
        }
        assert_eq!(reader.next().await, Frame::End);

        // Nobody was denied: it returns and misses nothing.
        gateway.push("a", "meanwhile").await;
        let mut again = gateway.listen_after(transport, "a", &first).await;
        assert_eq!(again.message().await, "meanwhile");
        drop(again);
        gateway.clients(0).await;
        // It is gone already.
        kick(&gateway, id(&listed), "").await.problem(404, "not_found");
    }
    for (transport, count) in [("sse", 2), ("websocket", 1)] {
        let sample = format!("fanfare_disconnected_clients_total{{transport=\"{transport}\"}}");
        assert_eq!(gateway.metric(&sample).await, Some(f64::from(count)));
    }
    for (path, status, code) in [
        ("cl_0", 404, "not_found"),
        ("cl_01", 404, "not_found"),
        ("7", 404, "not_found"),
        ("cl_1?deny_for=0s", 400, "invalid_duration"),
        ("cl_1?deny_for=25h", 400, "invalid_duration"),
        ("cl_1?deny_fro=1m", 400, "invalid_query"),
    ] {
        kick(&gateway, path, "").await.problem(status, code);
    }
}

#[tokio::test]
async fn a_browser_that_returns_while_it_is_denied_gets_204_and_nobody_else_does() {
    const BROWSER: &str = "user-agent: Mozilla/5.0 (one)\r\nsec-fetch-mode: cors\r\n";
    let gateway = Gateway::start().await;
    let mut stream = Raw::connect(gateway.address).await;
    assert_eq!(stream.get("/stream?channel=a&_=1", BROWSER).await.status, 200);
    let client = only(&gateway).await;
    assert_eq!(client["agent"], "Mozilla/5.0 (one)");
    let answer = kick(&gateway, id(&client), "?deny_for=10m").await;
    assert_eq!(answer.status, 200);
    let mut said = String::new();
    while let Some(chunk) = stream.chunk().await {
        said.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(
        stream.is_whole() && said.contains("event: closing\ndata: {\"reason\":\"disconnected\""),
        "{said}"
    );

    // An `EventSource` returns with its position, and perhaps with something against caches.
    for path in ["/stream?channel=a&_=2", "/stream?channel=a&last_event_id=earliest&format=json&_=3"] {
        let mut back = Raw::connect(gateway.address).await;
        let head = back.get(path, BROWSER).await;
        assert_eq!((head.status, head.header("content-type")), (204, ""), "{path}");
        let seconds: u64 = head.header("retry-after").parse().expect("seconds");
        assert!((590..=600).contains(&seconds), "{seconds}");
    }
    // Another page, another browser, and another transport behind the same address are not meant.
    for (path, headers) in [
        ("/stream?channel=b", BROWSER),
        ("/stream?channel=a&type=error", BROWSER),
        ("/stream?channel=a&reader=mine", BROWSER),
        ("/stream?channel=a", "user-agent: Mozilla/5.0 (two)\r\n"),
        ("/stream?channel=a", ""),
    ] {
        let mut other = Raw::connect(gateway.address).await;
        assert_eq!(other.get(path, headers).await.status, 200, "{path} {headers}");
    }
    let mut socket = Socket::open(gateway.address).await;
    let subscribed = socket.ask(json!({"op": "subscribe", "channels": ["a"]})).await;
    assert_eq!(subscribed["op"], "subscribed");
}

#[tokio::test]
async fn a_denial_ends_and_other_doors_say_what_it_is() {
    let gateway = Gateway::start().await;
    let listen = || Listen { reader: Some("me".into()), ..Listen::to("a") };
    let mut socket = gateway.open(Transport::WebSocket, listen()).await;
    let client = only(&gateway).await;
    let begun = Instant::now();
    assert_eq!(kick(&gateway, id(&client), "?deny_for=2s").await.status, 200);
    // A reader first gets the end of its replay.
    while !matches!(socket.next().await, Frame::Closing(_)) {}
    let mut back = Socket::open(gateway.address).await;
    let request = json!({"op": "subscribe", "channels": ["a"], "reader": "me"});
    let denied = back.ask(request.clone()).await;
    if begun.elapsed() < Duration::from_secs(2) {
        assert_eq!((&denied["op"], &denied["error"]["code"]), (&"error".into(), &"client_denied".into()));
        assert_eq!((&denied["error"]["status"], &denied["error"]["limit"]), (&403.into(), &"denial".into()));
        assert!(denied["error"]["retry_after"].as_f64().is_some_and(|seconds| seconds <= 2.0), "{denied}");
    }
    until("the end of the denial", async || {
        (back.ask(request.clone()).await["op"] == "subscribed").then_some(())
    })
    .await;
    assert!(begun.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_disconnected_at_once() {
    let gateway = Gateway::start().await;
    let mut lazy = Raw::connect_narrow(gateway.address).await;
    lazy.get("/stream?channel=a", "").await;
    let mut socket = Raw::connect_narrow(gateway.address).await;
    let handshake = "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(socket.get("/ws", handshake).await.status, 101);
    let subscribe = br#"{"op":"subscribe","channels":["a"]}"#;
    let mut frame = vec![0x81, 0x80 | subscribe.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(subscribe);
    socket.send(&frame).await;
    gateway.clients(2).await;
    for _ in 0..80 {
        gateway.push("a", &"x".repeat(200_000)).await;
    }
    let stalled = until("the stalls", async || {
        let list = gateway.get("/api/clients").await.json();
        let clients = list["clients"].as_array().expect("a list").clone();
        clients.iter().all(|client| client["state"] == "stalled").then_some(clients)
    })
    .await;
    assert_eq!(stalled.len(), 2);
    for client in &stalled {
        assert_eq!(kick(&gateway, id(client), "").await.status, 200);
    }
    // Long before the 60 s after which a socket that accepts nothing is closed.
    soon("the sockets", gateway.has_no_connections()).await;
}

#[tokio::test]
async fn a_request_that_waits_is_answered_when_it_is_disconnected() {
    let gateway = Gateway::start().await;
    let waiting = async { gateway.get("/api/events?channel=a&wait=50s").await };
    let disconnecting = async {
        let client = only(&gateway).await;
        assert_eq!(client["transport"], "http");
        kick(&gateway, id(&client), "?deny_for=1m").await
    };
    let begun = Instant::now();
    let (answer, kicked) = tokio::join!(waiting, disconnecting);
    assert_eq!((answer.status, kicked.status), (200, 200));
    assert_eq!(answer.json()["events"], json!([]));
    assert!(begun.elapsed() < Duration::from_secs(40));
    gateway.get("/api/events?channel=a&wait=50s").await.problem(403, "client_denied");
    assert_eq!(gateway.get("/api/events?channel=a").await.status, 200, "who does not wait does not listen");
}

#[tokio::test]
async fn the_command_line_disconnects_and_is_told_that_it_was() {
    let gateway = cli::Gateway::start().await;
    let listening = gateway.run(&["listen", "a"]);
    let kicking = async {
        let listed = until("the client", async || {
            let said = gateway.run(&["clients", "ls", "-o", "raw"]).await;
            said.out.starts_with("cl_").then(|| said.out.trim().to_owned())
        })
        .await;
        gateway.run(&["clients", "kick", &listed, "--deny-for", "10m"]).await
    };
    let (listened, kicked) = tokio::join!(listening, kicking);
    assert_eq!(kicked.code, 0, "{kicked:?}");
    assert!(kicked.out.contains("disconnected: cl_") && kicked.out.contains("sse 127.0.0.1:"), "{kicked:?}");
    assert_ne!(listened.code, 0, "{listened:?}");
    assert!(
        listened.err.contains("an operator disconnected this client, and it may return in"),
        "{listened:?}"
    );
    let unknown = gateway.run(&["clients", "kick", "cl_999"]).await;
    assert_eq!(unknown.code, 5, "{unknown:?}");
    gateway.stop().await;
}
