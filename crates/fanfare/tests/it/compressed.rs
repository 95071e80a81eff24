//! Compressed request bodies: accepted by every door, with limits on the decoded bytes; other encodings are
//! refused by name.

use std::io::Write as _;

use fanfare_webhook::inbound::PlainSecret;
use fanfare_webhook::secret::Secret;
use fanfare_webhook::signature::hub_signature;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::rpc::Era;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("in memory");
    encoder.finish().expect("in memory")
}

async fn send(gateway: &Gateway, path: &str, coding: &str, body: Vec<u8>) -> Answer {
    gateway
        .request("POST", path, |request| {
            let accept = "application/json, text/event-stream";
            let request = request.header("content-type", "application/json").header("accept", accept);
            request.header("content-encoding", coding).body(body)
        })
        .await
}

#[tokio::test]
async fn a_compressed_body_is_understood_at_every_door() {
    let gateway = Gateway::start().await;
    let event = json!({ "message": "hello" });
    let batch = json!([{ "message": "one" }, { "message": "two" }]);
    let ping = Era::Legacy.request(1, "ping", json!({}));
    for (path, body) in [
        ("/api/push", &event),
        ("/api/push", &batch),
        ("/api/push/builds", &event),
        ("/ingest/generic", &event),
        ("/api/register", &json!({ "webhook_url": "http://127.0.0.1:9/hook" })),
        ("/mcp", &ping),
    ] {
        for coding in ["gzip", "X-GZIP", "identity"] {
            let text = body.to_string().into_bytes();
            let sent = if coding == "identity" { text } else { gzip(&text) };
            let answer = send(&gateway, path, coding, sent).await;
            assert_eq!(answer.status, 200, "{path} {coding}: {}", answer.text());
        }
    }
    let page = gateway.get("/api/events?channel=builds").await.json();
    assert_eq!(page["events"].as_array().map(Vec::len), Some(3), "{page}");
}

#[tokio::test]
async fn an_encoding_that_is_not_understood_is_named_and_nothing_is_read() {
    let gateway = Gateway::start().await;
    for path in ["/api/push", "/ingest/generic", "/mcp", "/api/register"] {
        for coding in ["br", "deflate", "zstd", "gzip, gzip", "aws-chunked"] {
            let answer = send(&gateway, path, coding, b"whatever".to_vec()).await;
            let problem = answer.problem(415, "unsupported_media_type");
            assert_eq!(problem["at"], "Content-Encoding:", "{path} {coding}");
            assert_eq!(answer.header("accept-encoding"), "gzip, identity", "{path} {coding}");
        }
    }
    // Without a body, there is nothing to decode.
    let asked = gateway.request("GET", "/health", |request| request.header("content-encoding", "br")).await;
    assert_eq!(asked.status, 200);
}

#[tokio::test]
async fn a_small_body_that_would_be_huge_is_over_the_limit_of_what_it_decodes_to() {
    let gateway = Gateway::start().await;
    let huge = gzip(&vec![b' '; 20 * 1024 * 1024]);
    assert!(huge.len() < 64 * 1024, "{}", huge.len());
    for path in ["/api/push", "/ingest/generic", "/api/register"] {
        send(&gateway, path, "gzip", huge.clone()).await.problem(413, "body_too_large");
    }
    assert_eq!(send(&gateway, "/mcp", "gzip", huge).await.status, 413);
    // Compression that makes a body longer is as good.
    let stored = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(b"{\"message\": \"hello\"}").expect("in memory");
        encoder.finish().expect("in memory")
    };
    assert_eq!(send(&gateway, "/api/push", "gzip", stored).await.status, 200);
    let held = gateway.get("/metrics").await.text();
    assert!(held.contains("\nfanfare_bytes_held{by=\"callers\"} 0\n"), "{held}");
}

#[tokio::test]
async fn a_body_that_is_not_what_its_header_says_is_refused() {
    let gateway = Gateway::start().await;
    let whole = gzip(b"{\"message\": \"hello\"}");
    let cut = whole[..whole.len() - 3].to_vec();
    for body in [b"{\"message\": \"hello\"}".to_vec(), cut] {
        let problem = send(&gateway, "/api/push", "gzip", body.clone()).await.problem(400, "invalid_header");
        assert_eq!(problem["at"], "Content-Encoding:");
        assert_eq!(send(&gateway, "/mcp", "gzip", body).await.status, 400);
    }
    assert_eq!(gateway.get("/api/events").await.json()["events"], json!([]));
}

/// Senders sign what they wrote; their HTTP client compresses it afterwards, and frameworks of receivers decode it before
/// anybody checks the signature.
#[tokio::test]
async fn a_signature_is_over_what_the_sender_wrote_not_over_its_encoding() {
    let secret = Secret::from_random([1; 32]);
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.http.ingest.github = vec![PlainSecret::new(secret.reveal()).expect("not empty")];
    })
    .await;
    let text = json!({ "zen": "Keep it logically awesome." }).to_string();
    let encoded = gzip(text.as_bytes());
    let send = async |signed: &[u8]| {
        let signature = hub_signature(&secret, signed);
        let answer = gateway.request("POST", "/ingest/github", |request| {
            let request = request.header("content-type", "application/json").header("x-github-event", "ping");
            let request = request.header("x-hub-signature-256", signature).header("content-encoding", "gzip");
            request.body(encoded.clone())
        });
        answer.await
    };
    let answer = send(text.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let refused: Value = send(&encoded).await.problem(401, "invalid_signature");
    assert!(refused["detail"].is_string());
}
