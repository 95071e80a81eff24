//! A client that does not read what it asked for: what waits for it counts in its share, and others have the rest.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::support::gateway::Gateway;
use crate::support::mcp_stream::{Door, request};
use crate::support::raw::Raw;
use crate::support::until;

/// The share of one caller, which the gateway does not exceed by more than the last messages.
const SHARE: u64 = 128 * 1024 * 1024;

/// Returns the bytes that a gateway says it holds for all callers, or in rings.
pub(crate) async fn bytes_held(gateway: &Gateway, by: &str) -> u64 {
    gateway.metric(&format!("fanfare_bytes_held{{by=\"{by}\"}}")).await.expect("the metric") as u64
}

/// Fills the history with more than the largest page.
pub(crate) async fn fill(gateway: &Gateway) {
    for _ in 0..30 {
        gateway.push("big", &"x".repeat(200 * 1024)).await;
    }
}

/// Writes a request whose answer is a megabyte long.
pub(crate) fn long_answer(id: u64) -> Value {
    request(id, "resources/read", json!({ "uri": "fanfare://channels/big/latest" }))
}

#[tokio::test]
async fn sessions_that_nobody_reads_hold_a_share_and_start_no_more_calls() {
    let gateway = Gateway::start().await;
    fill(&gateway).await;
    let (mut streams, mut refused) = (Vec::new(), 0);
    for _ in 0..6 {
        let stream = Door::HttpSse.open_on(Raw::connect_narrow(gateway.address).await).await;
        // One at a time: the next call starts when the answer to the one before has its place.
        for id in 0..12 {
            let answer = Door::HttpSse.send(&gateway, &stream.id, &long_answer(id)).await;
            refused += usize::from(answer.status != 202);
        }
        streams.push(stream);
    }
    // No call starts while 4 MiB wait in a session: there is one answer over that, and one on its way to the socket.
    let mut before = 0;
    let held = until("all answers", async || {
        let held = bytes_held(&gateway, "callers").await;
        let is_settled = std::mem::replace(&mut before, held) == held;
        (is_settled && held >= 6 * (3 << 20)).then_some(held)
    })
    .await;
    assert!(held <= 6 * (6 << 20), "{held} bytes are held for six sessions");
    assert!(refused > 0, "every call was started");
    // Another client has room, at another address and at the same.
    assert_eq!(gateway.get("/api/events?limit=1").await.status, 200);
    drop(streams);
    until("an empty budget", async || (bytes_held(&gateway, "callers").await == 0).then_some(())).await;
}

#[tokio::test]
async fn calls_that_finish_together_hold_no_more_than_a_few_answers() {
    let gateway = Gateway::start().await;
    fill(&gateway).await;
    let mut stream = Door::Connection.open_on(Raw::connect_narrow(gateway.address).await).await;
    let calls = (0..64).map(|id| {
        let (gateway, stream) = (&gateway, &stream);
        async move { Door::Connection.send(gateway, &stream.id, &long_answer(id)).await.status }
    });
    let statuses = futures_util::future::join_all(calls).await;
    let started = statuses.iter().filter(|status| **status == 202).count();
    let held = bytes_held(&gateway, "callers").await;
    assert!((4 << 20..24 << 20).contains(&held), "one session holds {held} bytes");
    // Each call that was started has an answer.
    let mut answered = 0;
    while answered < started {
        let said = stream.message().await;
        answered += usize::from(said["id"].is_number());
        let error = &said["error"];
        assert!(
            error.is_null() || error["message"].as_str().is_some_and(|said| said.contains("does not fit")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn pages_that_nobody_reads_are_counted_and_then_refused() {
    let gateway = Gateway::start().await;
    fill(&gateway).await;
    let mut open = Vec::new();
    let mut seen = (0, 0);
    // A client that lets the kernel hold nothing for it.
    for _ in 0..30 {
        let mut raw = Raw::connect_narrow(gateway.address).await;
        raw.send("GET /api/events?channel=big HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        let head = raw.head().await;
        match head.status {
            200 => seen.0 += 1,
            503 => seen.1 += 1,
            other => panic!("{other}"),
        }
        open.push(raw);
    }
    let held = bytes_held(&gateway, "callers").await;
    assert!((1..=SHARE).contains(&held) && seen.1 > 0, "{held} bytes are held for {seen:?} pages");
    let mut other = from_address(&gateway, [127, 0, 0, 2]).await;
    let head = other.get("/api/events?channel=big", "connection: close\r\n").await;
    assert_eq!(head.status, 200, "another address has a share of its own");
    assert_eq!(gateway.post_json("/api/push", &json!({ "message": "small" })).await.status, 200);
    drop(other);
    drop(open);
    until("an empty budget", async || (bytes_held(&gateway, "callers").await == 0).then_some(())).await;
}

/// Connects from another address of this machine.
pub(crate) async fn from_address(gateway: &Gateway, address: [u8; 4]) -> Raw {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((address, 0))).expect("an address of this machine");
    Raw::over(socket.connect(gateway.address).await.expect("a connection"))
}
