//! What one caller may take of what all share: connections by streams of HTTP/2, and exports.

use serde_json::Value;

use crate::bounds_connections::begin;
use crate::bounds_unread::from_address;
use crate::support::Engine;
use crate::support::gateway::{Gateway, reqwest_client, send_apart};
use crate::support::raw::Raw;
use crate::support::{soon, until};

#[tokio::test]
async fn streams_on_one_connection_count_as_connections() {
    // One is that of the client that pushes and asks for the metrics, until another one needs its place.
    let gateway = Gateway::with(Engine::Memory, |config| config.http.max_connections = 9).await;
    gateway.push("a", "the only one").await;
    let last = gateway.last();
    let client = reqwest_client(true);
    let open = || soon("a response", send_apart(client.get(gateway.url("/stream?channel=b"))));
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(open().await);
    }
    assert!(streams.iter().all(|response| response.status() == 200));
    // A request that waits counts before it has an answer.
    let poll = client.get(gateway.url(&format!("/api/events?channel=b&after={last}&wait=50s"))).send();
    let poll = tokio::spawn(poll);
    let all = "fanfare_connections 9\n";
    let mut bodies = Vec::new();
    for _ in 0..2 {
        bodies.push(Raw::connect(gateway.address).await);
        begin(bodies.last_mut().expect("the newest")).await;
    }
    until("nine", async || gateway.get("/metrics").await.text().contains(all).then_some(())).await;
    let mut ninth = Raw::connect(gateway.address).await;
    begin(&mut ninth).await;

    let push = client.post(gateway.url("/api/push/b")).header("origin", "http://localhost:3000").body("x");
    let refused = soon("a response", push.send()).await.expect("a response");
    assert_eq!(refused.status(), 503);
    for (name, value) in [
        ("access-control-allow-origin", "http://localhost:3000"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("retry-after", "5"),
    ] {
        assert_eq!(
            refused.headers().get(name).map(|value| value.as_bytes()),
            Some(value.as_bytes()),
            "{name}"
        );
    }
    let problem: Value = serde_json::from_slice(&refused.bytes().await.expect("a body")).expect("JSON");
    assert_eq!(problem["limit"], "connections");
    assert_eq!(gateway.last(), last, "the push was refused before anything was done");
    drop((bodies, ninth));
    // More are refused while the gateway has not noticed that these are gone.
    let mut refused = 0;
    let metrics = until("an answer", async || {
        refused += 1;
        let mut raw = Raw::connect(gateway.address).await;
        let head = raw.get("/metrics", "").await;
        let body = raw.body(&head).await;
        (head.status == 200).then(|| String::from_utf8_lossy(&body).into_owned())
    })
    .await;
    for line in [
        r#"fanfare_http_requests_total{route="/api/push/{channel}",status="503"} 1"#,
        &format!("fanfare_connections_refused_total {refused}\n"),
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    streams.pop();
    until("room", async || (open().await.status() == 200).then_some(())).await;
    gateway.push("b", "the end of the wait").await;
    assert_eq!(soon("an answer", poll).await.expect("a task").expect("an answer").status(), 200);
    drop((streams, client));
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
