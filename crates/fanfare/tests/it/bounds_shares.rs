//! What one caller may take of what all share: connections by streams of HTTP/2, and exports.

use serde_json::Value;

use crate::bounds_unread::from_address;
use crate::support::Engine;
use crate::support::gateway::{Gateway, reqwest_client};
use crate::support::raw::Raw;
use crate::support::{soon, until};

#[tokio::test]
async fn streams_on_one_connection_count_as_connections() {
    let gateway = Gateway::with(Engine::Memory, |config| config.http.max_connections = 8).await;
    let client = reqwest_client(true);
    let open = || soon("a response", client.get(gateway.url("/stream")).send());
    let mut streams = Vec::new();
    // The connection itself is one.
    for _ in 0..7 {
        let response = open().await.expect("a stream");
        assert_eq!(response.status(), 200);
        streams.push(response);
    }
    let refused = open().await.expect("a response");
    assert_eq!(refused.status(), 503);
    let problem: Value = serde_json::from_slice(&refused.bytes().await.expect("a body")).expect("JSON");
    assert_eq!(problem["limit"], "connections");
    assert_eq!(client.get(gateway.url("/health")).send().await.expect("an answer").status(), 200);
    streams.pop();
    until("room", async || (open().await.expect("a response").status() == 200).then_some(())).await;
    drop(streams);
    drop(client);
    gateway.clients(0).await;
}

#[tokio::test]
async fn one_caller_has_a_quarter_of_the_exports() {
    const EACH: usize = 16;
    let gateway = Gateway::start().await;
    for _ in 0..40 {
        gateway.push("big", &"x".repeat(200 * 1024)).await;
    }
    let headers = "accept: application/x-ndjson\r\n";
    let mut open = Vec::new();
    for number in 0..=EACH {
        let mut raw = Raw::connect_narrow(gateway.address).await;
        let head = raw.get("/api/events", headers).await;
        assert_eq!(head.status, if number < EACH { 200 } else { 429 });
        if head.status == 429 {
            let problem: Value = serde_json::from_slice(&raw.body(&head).await).expect("JSON");
            assert_eq!(problem["limit"], "exports_per_caller");
        }
        open.push(raw);
    }
    let mut other = from_address(&gateway, [127, 0, 0, 2]).await;
    assert_eq!(other.get("/api/events", headers).await.status, 200);
}
