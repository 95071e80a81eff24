//! Limits on one caller's connections: inactive ones make room, and some are reserved for short requests.

use serde_json::Value;

use crate::support::Engine;
use crate::support::gateway::{Gateway, reqwest_client};
use crate::support::raw::Raw;
use crate::support::reader::Transport;
use crate::support::{soon, until};

const MAX: usize = 16;
/// Maximum lasting connections of one caller: a quarter is kept for others.
const SHARE: u32 = 12;

async fn start() -> Gateway {
    Gateway::with(Engine::Memory, |config| config.http.max_connections = MAX).await
}

/// Begins a push of two bytes, and returns once the gateway waits for them.
pub(crate) async fn begin(raw: &mut Raw) {
    raw.send(
        "POST /api/push/a HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
    )
    .await;
    assert_eq!(raw.head().await.status, 100);
}

async fn status(gateway: &Gateway, path: &str) -> u16 {
    let mut raw = Raw::connect(gateway.address).await;
    raw.get(path, "connection: close\r\n").await.status
}

#[tokio::test]
async fn connections_that_do_nothing_make_room_for_requests() {
    let gateway = start().await;
    let mut open = Vec::new();
    for number in 0..4 * MAX {
        let mut raw = Raw::connect(gateway.address).await;
        match number % 3 {
            // Nothing, half a head, and a connection that is kept after its request.
            0 => {}
            1 => raw.send("GET /health HTTP/1.1\r\nhost:").await,
            _ => assert_eq!(raw.get("/health", "").await.status, 200),
        }
        open.push(raw);
        assert_eq!(status(&gateway, "/health").await, 200, "after {} connections", open.len());
    }
    // Those that made room were closed.
    assert_eq!(soon("the end", open[0].rest()).await, b"");
    // HTTP/2 without a request makes room as well.
    let clients: Vec<_> = (0..2 * MAX).map(|_| reqwest_client(true)).collect();
    for client in &clients {
        let answer = soon("an answer", client.get(gateway.url("/health")).send()).await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test]
async fn a_connection_with_a_request_keeps_its_place() {
    let gateway = start().await;
    let mut body = Raw::connect(gateway.address).await;
    begin(&mut body).await;
    let mut stream = gateway.listen(Transport::Sse1, "a").await;
    let poll = tokio::spawn(reqwest_client(false).get(gateway.url("/api/events?channel=a&wait=50s")).send());
    gateway.clients(2).await;
    let mut idle = Vec::new();
    for _ in 0..4 * MAX {
        idle.push(Raw::connect(gateway.address).await);
        assert_eq!(status(&gateway, "/health").await, 200);
    }
    body.send("xy").await;
    assert_eq!(body.head().await.status, 200);
    assert_eq!(stream.event().await["message"], "xy");
    assert_eq!(soon("an answer", poll).await.expect("a task").expect("an answer").status(), 200);
}

#[tokio::test]
async fn some_connections_are_kept_for_other_callers_and_for_short_requests() {
    let gateway = start().await;
    let refused = async |mut raw: Raw, limit: &str| {
        let head = raw.get("/stream", "").await;
        assert_eq!((head.status, head.header("retry-after")), (503, "5"));
        let problem: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
        assert_eq!(
            (problem["code"].as_str(), problem["limit"].as_str()),
            (Some("too_many_connections"), Some(limit))
        );
    };
    let mut streams = Vec::new();
    for number in 0..SHARE {
        // An event stream, a WebSocket and a wait count alike.
        let mut raw = Raw::connect(gateway.address).await;
        match number % 3 {
            0 => assert_eq!(raw.get("/stream", "").await.status, 200),
            1 => {
                let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                               sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
                assert_eq!(raw.get("/ws", upgrade).await.status, 101);
            }
            _ => raw.send("GET /api/events?wait=50s HTTP/1.1\r\nhost: localhost\r\n\r\n").await,
        }
        streams.push(raw);
    }
    let is_full = async || {
        let lasting = gateway.metric("fanfare_connections_lasting").await;
        (lasting == Some(f64::from(SHARE))).then_some(())
    };
    until("the share", is_full).await;
    refused(Raw::connect(gateway.address).await, "streams_per_caller").await;
    let mut others = Vec::new();
    for _ in 0..2 {
        let mut raw = crate::bounds_unread::from_address(&gateway, [127, 0, 0, 2]).await;
        assert_eq!(raw.get("/stream", "").await.status, 200);
        others.push(raw);
    }
    refused(crate::bounds_unread::from_address(&gateway, [127, 0, 0, 2]).await, "streams").await;
    assert_eq!(gateway.post("/api/push/a", "text/plain", b"x".to_vec()).await.status, 200);
    drop(streams);
    until("room", async || (status(&gateway, "/stream").await == 200).then_some(())).await;
}
