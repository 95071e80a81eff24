//! MCP over Streamable HTTP: sessions, batches, accepted media types, and refusals.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::{Engine, rpc};

/// Posts `body` with these headers besides `Content-Type`.
async fn post(gateway: &Gateway, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
    gateway.post_mcp("/mcp", headers, body).await
}

fn request(id: impl Into<Value>, method: &str, params: Value) -> String {
    rpc::request(id, method, params).to_string()
}

fn initialize(version: &str) -> String {
    rpc::initialize(version).to_string()
}

/// Starts a session, and returns its id.
async fn begin(gateway: &Gateway, version: &str) -> String {
    let answer = post(gateway, &[], initialize(version)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.header("mcp-session-id").to_owned();
    assert!(id.len() >= 32, "{id} can be guessed");
    id
}

#[tokio::test]
async fn a_session_lives_from_initialize_to_delete() {
    let gateway = Gateway::start().await;
    for (asked, agreed) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2024-11-05"),
        ("2026-07-28", "2025-11-25"),
        ("2019-01-01", "2025-11-25"),
    ] {
        let answer = post(&gateway, &[], initialize(asked)).await;
        assert_eq!(answer.json()["result"]["protocolVersion"], agreed, "{asked}");
        let id = answer.header("mcp-session-id").to_owned();
        let session = [("mcp-session-id", id.as_str())];
        let told = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
        assert_eq!(post(&gateway, &session, told).await.status, 202);
        let pong = post(&gateway, &session, request("p", "ping", json!({}))).await;
        assert_eq!(pong.json(), json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
        let delete = || gateway.request("DELETE", "/mcp", |request| request.header("mcp-session-id", &id));
        assert_eq!(delete().await.status, 204);
        assert_eq!(delete().await.status, 404);
        let gone = post(&gateway, &session, request(1, "ping", json!({}))).await;
        assert_eq!((gone.status, gone.json()["id"].clone()), (404, json!(1)));
    }
    let unknown = [("mcp-session-id", "0123456789abcdef0123456789abcdef")];
    assert_eq!(post(&gateway, &unknown, request(1, "tools/list", json!({}))).await.status, 404);
}

#[tokio::test]
async fn a_request_without_a_session_is_answered() {
    let gateway = Gateway::start().await;
    for headers in [&[][..], &[("mcp-protocol-version", "2025-06-18")]] {
        let list = post(&gateway, headers, request(7, "tools/list", json!({}))).await;
        let names: Vec<_> = list.json()["result"]["tools"]
            .as_array()
            .expect("tools")
            .iter()
            .map(|tool| tool["name"].clone())
            .collect();
        assert!(names.contains(&json!("push_stream")) && names.contains(&json!("push_webhook")), "{names:?}");
    }
    let call = json!({ "name": "push_stream", "arguments": { "message": "hi" } });
    let pushed = post(&gateway, &[], request(8, "tools/call", call)).await.json();
    assert_eq!(pushed["result"]["isError"], Value::Null, "{pushed}");
    let events = gateway.get("/api/events").await.json();
    assert_eq!(events["events"][0]["id"], pushed["result"]["structuredContent"]["id"]);
    assert_eq!(events["events"][0]["source"]["door"], "mcp");
}

#[tokio::test]
async fn a_batch_is_for_the_one_revision_that_has_them() {
    let gateway = Gateway::start().await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "ping" },
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        { "jsonrpc": "2.0", "id": 2, "method": "nonsense" },
        5,
    ])
    .to_string();
    for headers in [&[][..], &[("mcp-protocol-version", "2025-03-26")]] {
        let answers = post(&gateway, headers, batch.clone()).await;
        assert_eq!(answers.status, 200, "{}", answers.text());
        let answers = answers.json();
        assert_eq!(answers[0], json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
        assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(2), &json!(-32601)));
        assert_eq!((&answers[2]["id"], &answers[2]["error"]["code"]), (&Value::Null, &json!(-32600)));
    }
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let refused = post(&gateway, &[("mcp-protocol-version", version)], batch.clone()).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(-32600)), "{version}");
        let session = begin(&gateway, version).await;
        let refused = post(&gateway, &[("mcp-session-id", &session)], batch.clone()).await;
        assert_eq!(refused.status, 400, "{version}");
    }
    let told = json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }]).to_string();
    assert_eq!(post(&gateway, &[], told).await.status, 202);
}

#[tokio::test]
async fn an_answer_comes_as_what_the_client_takes() {
    let gateway = Gateway::start().await;
    let session = begin(&gateway, "2025-11-25").await;
    for (accept, comes_as) in [
        ("application/json, text/event-stream", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html;q=0.9, APPLICATION/JSON;q=0.1", "application/json"),
        ("text/event-stream", "text/event-stream"),
        ("text/html", ""),
    ] {
        for headers in [vec![("accept", accept)], vec![("accept", accept), ("mcp-session-id", &session)]] {
            let answer = post(&gateway, &headers, request(3, "ping", json!({}))).await;
            if comes_as.is_empty() {
                assert_eq!(answer.status, 406);
                continue;
            }
            assert_eq!(answer.header("content-type"), comes_as, "{accept}");
            let said = r#"{"jsonrpc":"2.0","id":3,"result":{}}"#;
            assert!(answer.text().contains(said), "{}", answer.text());
            assert_eq!(answer.text() == said, comes_as == "application/json", "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_in_json_rpc() {
    let gateway = Gateway::start().await;
    for (body, status, code) in [
        ("{", 400, -32700),
        ("", 400, -32700),
        ("\u{feff}{}", 400, -32600),
        ("nonsense", 400, -32700),
        ("5", 400, -32600),
        ("[]", 400, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":5}"#, 400, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":5}}"#, 400, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#, 200, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no_such"}}"#, 200, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"x"}}"#, 200, -32600),
    ] {
        let refused = post(&gateway, &[], body).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (status, &json!(code)), "{body}");
        assert!(refused.json()["error"]["message"].as_str().is_some_and(|text| text.len() > 10), "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(post(&gateway, &[], deep).await.status, 400);
    let huge = request(1, "tools/call", json!({ "name": "x".repeat(5 * 1024 * 1024) }));
    let refused = post(&gateway, &[], huge).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (413, &json!(-32600)));
    let text =
        gateway.request("POST", "/mcp", |request| request.header("content-type", "text/plain").body("{}"));
    assert_eq!(text.await.status, 415);
    let no_session = gateway.request("GET", "/mcp", |request| request.header("accept", "text/event-stream"));
    let refused = no_session.await;
    assert_eq!((refused.status, refused.header("allow")), (405, "POST"));
    assert_eq!(gateway.request("DELETE", "/mcp", |request| request).await.status, 400);
    assert_eq!(gateway.request("PUT", "/mcp", |request| request).await.status, 405);
    assert_eq!(gateway.get("/mcp").await.json()["status"], "ok");
    assert_eq!(gateway.get("/mcp?toolset=readonly").await.status, 200);
    let answer = gateway.request("POST", "/mcp?toolset=some", |request| request.body("{}")).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_call() {
    let gateway = Gateway::start().await;
    let ping = request(1, "ping", json!({}));
    assert_eq!(post(&gateway, &[("origin", "http://evil.example.com")], ping.clone()).await.status, 403);
    let allowed = post(&gateway, &[("origin", "http://localhost:6274")], ping).await;
    assert_eq!(allowed.status, 200);
    assert!(allowed.header("access-control-expose-headers").contains("Mcp-Session-Id"));
    let preflight = gateway
        .request("OPTIONS", "/mcp", |request| {
            request
                .header("origin", "http://localhost:6274")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "mcp-method, mcp-param-region")
        })
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-headers"), "mcp-method, mcp-param-region");
}

#[tokio::test]
async fn a_client_that_never_reads_is_hung_up_on() {
    let gateway = Gateway::with(Engine::Memory, |config| {
        config.http.stall_timeout = Duration::from_secs(1);
    })
    .await;
    let mut lazy = Vec::new();
    let list = request(1, "tools/list", json!({}));
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        list.len()
    );
    let call = format!("{head}{list}");
    for _ in 0..4 {
        let mut raw = Raw::connect_narrow(gateway.address).await;
        // More answers than both ends can hold; the gateway decides how many of the requests it accepts.
        let requests = call.repeat(64);
        while matches!(
            tokio::time::timeout(
                Duration::from_millis(500),
                tokio::io::AsyncWriteExt::write(&mut raw.stream, requests.as_bytes())
            )
            .await,
            Ok(Ok(1..))
        ) {}
        lazy.push(raw);
    }
    gateway.has_no_connections().await;
    assert_eq!(post(&gateway, &[], request(1, "ping", json!({}))).await.status, 200);
    drop(lazy);
}

/// Calls `wait_for` in a session, and returns when it waits.
async fn wait_in(gateway: &Gateway, session: &str, waits: usize) -> Raw {
    let body =
        request(waits, "tools/call", json!({ "name": "wait_for", "arguments": { "channels": ["a"] } }));
    let mut raw = Raw::connect(gateway.address).await;
    let (host, len) = (gateway.address, body.len());
    raw.send(format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\nmcp-session-id: {session}\r\ncontent-type: application/json\r\n\
         content-length: {len}\r\n\r\n{body}"
    ))
    .await;
    gateway.clients(waits).await;
    raw
}

#[tokio::test]
async fn an_answer_that_was_lost_is_fetched_by_whoever_comes_last() {
    let gateway = Gateway::start().await;
    let session = begin(&gateway, "2025-11-25").await;
    let open = async |last: &str| {
        let mut raw = Raw::connect(gateway.address).await;
        let last = if last.is_empty() { String::new() } else { format!("last-event-id: {last}\r\n") };
        let headers = format!("accept: text/event-stream\r\nmcp-session-id: {session}\r\n{last}");
        let head = raw.get("/mcp", &headers).await;
        (head.status, raw)
    };
    let (_, mut unasked) = open("").await;
    assert!(unasked.chunk().await.is_some_and(|chunk| chunk.starts_with(b"id: 0-0\n")));
    drop(wait_in(&gateway, &session, 1).await);
    let (status, mut first) = open("1-0").await;
    assert_eq!(status, 200);
    assert!(first.chunk().await.is_some_and(|chunk| chunk.starts_with(b"id: 1-0\n")));
    let (_, mut second) = open("1-0").await;
    assert!(second.chunk().await.is_some(), "where it continues");
    assert_eq!(first.chunk().await, None, "somebody else reads now");
    // An unknown or expired id must not lead to another client's stream.
    for (last, status) in [("9-0", 400), ("1-7", 400), ("1-18446744073709551615", 400), ("1-0", 200)] {
        assert_eq!(open(last).await.0, status, "{last}");
    }
    let (_, mut third) = open("1-0").await;
    assert!(third.chunk().await.is_some(), "where it continues");
    let id = gateway.push("a", "x").await;
    let answer = String::from_utf8(third.chunk().await.expect("the answer")).expect("text");
    assert!(answer.starts_with("id: 1-1\nevent: message\n") && answer.contains(&id), "{answer}");
    assert_eq!(third.chunk().await, None, "nothing follows");
    gateway.clients(0).await;
    let ended = gateway.request("DELETE", "/mcp", |request| request.header("mcp-session-id", &session));
    assert_eq!(ended.await.status, 204);
    assert_eq!(unasked.chunk().await, None, "it was read until the end of the session");
}

#[tokio::test]
async fn a_session_that_ends_takes_its_calls_along() {
    let gateway = Gateway::start().await;
    let session = begin(&gateway, "2025-06-18").await;
    let mut waiting = Vec::new();
    for waits in 1..=3 {
        waiting.push(wait_in(&gateway, &session, waits).await);
    }
    let delete = || gateway.request("DELETE", "/mcp", |request| request.header("mcp-session-id", &session));
    assert_eq!(delete().await.status, 204);
    for mut raw in waiting {
        assert_eq!(raw.head().await.status, 202, "nothing is left to answer");
    }
    gateway.clients(0).await;
    assert_eq!(delete().await.status, 404);
}
