//! Limits: a client that exceeds one learns which, and when to return.

use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::reader::Transport;

#[tokio::test]
async fn there_are_only_so_many_connections() {
    let gateway = Gateway::with(Engine::Memory, |config| config.http.max_connections = 3).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(gateway.listen(Transport::Sse1, ">").await);
    }
    // Many in a row: none of them may see a reset instead of the reason.
    for _ in 0..50 {
        let mut raw = Raw::connect(gateway.address).await;
        raw.send("GET /stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        let head = raw.head().await;
        assert_eq!((head.status, head.header("content-type")), (503, "application/problem+json"));
        assert_eq!((head.header("retry-after"), head.header("connection")), ("5", "close"));
        let problem: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
        assert_eq!(
            (&problem["code"], &problem["limit"]),
            (&"too_many_connections".into(), &"connections".into())
        );
    }
    // One that leaves makes room; a WebSocket and a request count as well.
    open.pop();
    gateway.clients(2).await;
    let status = crate::support::until("room", async || {
        let mut raw = Raw::connect(gateway.address).await;
        let head = raw.get("/health", "connection: close\r\n").await;
        (head.status == 200).then_some(head.status)
    })
    .await;
    assert_eq!(status, 200);
    drop(open);
}

#[tokio::test]
async fn one_caller_may_push_only_so_fast() {
    // The burst equals the largest batch, so that any single push is accepted.
    let gateway = Gateway::with(Engine::Memory, |config| config.hub.events_per_second = 1).await;
    let batch: Vec<_> = (0..10_000).map(|_| json!({"message": "x"})).collect();
    assert_eq!(gateway.push_batch(batch).await.len(), 10_000);
    let answer = gateway.post_json("/api/push", &json!([{"message": "x"}, {"message": "y"}])).await;
    let problem = answer.problem(429, "rate_limited");
    assert_eq!(problem["limit"], "events_per_second");
    let retry_after: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=3).contains(&retry_after), "{retry_after}");
    let exact = problem["retry_after"].as_f64().expect("seconds");
    assert_eq!(exact.ceil() as u64, retry_after, "the header is the member, rounded up");
    let mut socket = crate::support::socket::Socket::open(gateway.address).await;
    let events = vec![json!({"message": "x"}); 100];
    let said = socket.ask(json!({"op": "publish", "id": 1, "events": events})).await;
    assert_eq!(
        (&said["error"]["code"], &said["error"]["limit"]),
        (&"rate_limited".into(), &"events_per_second".into())
    );
    assert!(said["error"]["retry_after"].as_f64().is_some_and(|seconds| seconds > 1.0), "{said}");
    assert_eq!(gateway.hub.last().seq, 10_000, "something over the limit was written");
}

#[tokio::test]
async fn only_so_many_bytes_are_accepted_at_once() {
    let gateway = Gateway::start().await;
    let body = vec![b'x'; 15 * 1024 * 1024];
    let head = format!(
        "POST /api/push/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
        body.len() + 1
    );
    // Nine bodies that lack one byte each are more than the share of one caller, 128 MiB: one of them is refused, the
    // others wait.
    let mut open = Vec::new();
    for _ in 0..9 {
        let mut raw = Raw::connect(gateway.address).await;
        raw.send(&head).await;
        raw.send(&body).await;
        open.push(raw);
    }
    let heads = open.iter_mut().map(|raw| {
        Box::pin(async {
            let head = raw.head().await;
            let problem: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
            (head, problem)
        })
    });
    let ((head, problem), _, others) = futures_util::future::select_all(heads).await;
    assert_eq!((head.status, head.header("retry-after")), (503, "1"));
    assert_eq!(
        (&problem["code"], &problem["limit"]),
        (&"too_many_bytes_in_flight".into(), &"bytes_in_flight_per_caller".into())
    );
    // What is short has room beside them, and another caller has a share of its own.
    assert_eq!(gateway.post("/api/push/a", "text/plain", vec![b'x'; 1000]).await.status, 200);
    drop(others);
    drop(open);
    crate::support::until("room", async || {
        let answer = gateway.post("/api/push/a", "text/plain", vec![b'x'; 1000]).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_head_has_a_length_and_a_route_its_methods() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect(gateway.address).await;
    let long = format!("cookie: {}\r\n", "x".repeat(20 * 1024));
    assert_eq!(raw.get("/health", &long).await.status, 200);
    let mut raw = Raw::connect(gateway.address).await;
    // The limit is 32 KiB, plus the bytes of one read.
    let long = format!("cookie: {}\r\n", "x".repeat(100 * 1024));
    assert_eq!(raw.get("/health", &long).await.status, 431);
    let mut raw = Raw::connect(gateway.address).await;
    raw.send("this is no HTTP\r\n\r\n").await;
    assert_eq!(raw.head().await.status, 400);

    for (method, path, allowed) in [
        ("GET", "/api/push", "POST"),
        ("PATCH", "/api/push/a", "POST,PUT"),
        ("POST", "/stream", "GET,HEAD"),
        ("POST", "/api/events", "GET,HEAD"),
        ("GET", "/api/readers/x/ack", "POST"),
        ("PATCH", "/api/readers/x", "PUT,DELETE"),
    ] {
        let answer = gateway.request(method, path, |request| request).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
    for path in ["/nowhere", "/api", "/api/push/a/b", "/stream/a"] {
        gateway.get(path).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn half_a_request_holds_nobody_up() {
    let gateway = Gateway::start().await;
    let mut halves = Vec::new();
    for half in ["P", "PR", "GET", "POST /api/push HTTP/1.1\r\nhost:"] {
        let mut raw = Raw::connect(gateway.address).await;
        raw.send(half).await;
        halves.push(raw);
    }
    assert_eq!(gateway.get("/health").await.status, 200);
    // The rest of them may come later.
    halves[0].send("OST /api/push/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx").await;
    assert_eq!(halves[0].head().await.status, 200);
}
