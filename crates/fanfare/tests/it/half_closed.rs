//! A client that closes its side of the connection after its request, and waits for the answer.

use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::receiver::{Receiver, Script};
use crate::support::{Engine, until};

/// Sends bytes, closes this side, and returns the status and the body of the answer.
async fn ask(gateway: &Gateway, bytes: &str) -> (u16, Vec<u8>) {
    let mut raw = Raw::connect(gateway.address).await;
    raw.send(bytes).await;
    raw.stream.shutdown().await.expect("a closed side");
    let head = raw.head().await;
    let body = match head.header("transfer-encoding") {
        "chunked" => {
            let mut body = Vec::new();
            while let Some(chunk) = raw.chunk().await {
                body.extend(chunk);
            }
            assert!(raw.is_whole(), "the body was cut off");
            body
        }
        _ => raw.body(&head).await,
    };
    assert!(raw.rest().await.is_empty(), "nothing follows the answer");
    (head.status, body)
}

fn push(path: &str, body: &str) -> String {
    let len = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {len}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_client_that_has_closed_its_side_gets_its_answer() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        for count in 1..=10 {
            let (status, body) = ask(&gateway, &push("/api/push", r#"{"message":"x"}"#)).await;
            let answer: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!((status, answer["id"].as_str()), (200, Some(&*gateway.position(count))));
        }
        let (status, _) = ask(&gateway, &push("/ingest/generic", r#"{"message":"x"}"#)).await;
        assert_eq!(status, 200);
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert_eq!(ask(&gateway, &push("/mcp", ping)).await.0, 200);
        assert_eq!(ask(&gateway, &push("/nowhere", "{}")).await.0, 404);
        // A download, which is sent in chunks.
        let export = "GET /api/events HTTP/1.1\r\nhost: localhost\r\naccept: application/x-ndjson\r\n\r\n";
        let (status, body) = ask(&gateway, export).await;
        assert_eq!((status, body.iter().filter(|byte| **byte == b'\n').count()), (200, 11));
    }
}

#[tokio::test]
async fn a_push_that_waits_for_a_webhook_is_answered_after_the_client_has_closed_its_side() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::playing(Vec::new(), Script::Held).await;
    let webhook = serde_json::json!({"webhook_url": receiver.url()});
    assert_eq!(gateway.post_json("/api/webhooks", &webhook).await.status, 201);
    let request = push("/api/push?wait=30s", r#"{"message":"x"}"#);
    let (asked, ()) = tokio::join!(ask(&gateway, &request), async {
        // By then, the client has closed its side, and the push counts as a request that lasts.
        let lasting =
            async || gateway.metric("fanfare_connections_lasting").await.filter(|count| *count > 0.0);
        until("a push that lasts", lasting).await;
        receiver.release();
    });
    let (status, body) = asked;
    let answer: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status, &answer["webhooks_notified"]), (200, &Value::from(1)));
}

#[tokio::test]
async fn a_wait_for_what_is_there_already_is_answered_after_the_client_has_closed_its_side() {
    for engine in Engine::ALL {
        let gateway = Gateway::on(engine).await;
        gateway.push("a", "there").await;
        let wait = "GET /api/events?channel=a&wait=55s HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let (status, body) = ask(&gateway, wait).await;
        let page: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((status, &page["events"][0]["message"]), (200, &Value::from("there")));
        let wait = serde_json::json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "wait_for", "arguments": {"channels": ["a"], "cursor": gateway.position(0)}},
        });
        let (status, body) = ask(&gateway, &push("/mcp", &wait.to_string())).await;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((status, &answer["result"]["structuredContent"]["status"]), (200, &Value::from("event")));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_client() {
    let gateway = Gateway::start().await;
    for path in ["/stream", "/mcp/sse", "/sse", "/api/events?channel=none&wait=55s"] {
        let mut raw = Raw::connect(gateway.address).await;
        raw.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
        raw.stream.shutdown().await.expect("a closed side");
        // The connection ends: its client may be gone.
        raw.rest().await;
        gateway.clients(0).await;
    }
}
