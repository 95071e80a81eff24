//! Request bodies that come slowly: they end, and what is short has room beside them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bounds_unread::bytes_held;
use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::until;

#[tokio::test]
async fn slow_bodies_end_and_what_is_short_never_waits_for_them() {
    let patience = Duration::from_millis(100);
    for patience in [None, Some(patience)] {
        let gateway = Gateway::with(Engine::Memory, |config| {
            config.http.body_patience = patience.unwrap_or(config.http.body_patience);
        })
        .await;
        let id = gateway.push("a", "x").await;
        let mut reader = Raw::connect(gateway.address).await;
        assert_eq!(reader.get("/stream?reader=r", "").await.status, 200);

        // Six bodies of 16 MiB, but for a byte, take what one caller has for large ones; each is as fast as the wire,
        // and then stops.
        let part = vec![b'x'; (16 << 20) - 1];
        let mut open = Vec::new();
        for _ in 0..6 {
            let mut raw = Raw::connect(gateway.address).await;
            let head = "POST /api/push/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 16777216\r\n\r\n";
            raw.send(head).await;
            raw.send(&part).await;
            open.push(raw);
        }
        // A body earns time with what it sent, here sixteen minutes, of which it gets five.
        let held = (6 * part.len()) as u64;
        until("their bytes", async || (bytes_held(&gateway, "callers").await == held).then_some(())).await;
        gateway
            .post("/api/push/a", "text/plain", vec![b'x'; 100 * 1024])
            .await
            .problem(503, "too_many_bytes_in_flight");
        for _ in 0..20 {
            assert_eq!(gateway.post("/api/push/a", "text/plain", "short").await.status, 200);
            let ack = gateway.post_json("/api/readers/r/ack", &json!({ "position": id })).await;
            assert_eq!(ack.status, 200, "{}", ack.text());
            let call = json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": { "name": "push_stream", "arguments": { "message": "short" } },
            });
            let answer = gateway.post_json("/mcp", &call).await;
            assert!(answer.status == 200 && answer.json()["error"].is_null(), "{}", answer.text());
        }
        drop(open);
        until("an empty budget", async || (bytes_held(&gateway, "callers").await == 0).then_some(())).await;
        drop(reader);

        // A body that has hardly begun holds only what it has sent, and ends when its time is up.
        let mut slow = Vec::new();
        for path in ["/api/push/a", "/ingest/generic", "/mcp", "/api/webhooks", "/api/readers/r/ack"] {
            let mut raw = Raw::connect(gateway.address).await;
            raw.send(format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n{{"
            ))
            .await;
            slow.push(raw);
        }
        if patience.is_none() {
            let one_each =
                async || (bytes_held(&gateway, "callers").await == slow.len() as u64).then_some(());
            until("the bytes that were sent, and no more", one_each).await;
            continue;
        }
        for mut raw in slow {
            let head = raw.head().await;
            assert_eq!((head.status, head.header("connection")), (408, "close"));
            let body: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
            assert!(
                body["code"] == "body_too_slow" || body["error"]["message"] == "the body came too slowly",
                "{body}"
            );
        }
        until("an empty budget", async || (bytes_held(&gateway, "callers").await == 0).then_some(())).await;
    }
}
