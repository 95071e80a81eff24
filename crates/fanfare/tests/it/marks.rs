//! Characters around and inside JSON: a byte order mark before it is ignored at every door, and the characters at which
//! some programs end a line leave every door as escapes.

use serde_json::json;

use crate::cli::{self, Shell};
use crate::support::gateway::Gateway;
use crate::support::raw::Raw;
use crate::support::reader::{Listen, Transport};
use crate::support::receiver::Receiver;

const MARK: &str = "\u{feff}";

#[tokio::test]
async fn json_with_a_byte_order_mark_is_read_at_every_door() {
    let gateway = Gateway::start().await;
    let json = "application/json";
    for (path, content_type, body) in [
        ("/api/push", json, r#"{"message":"one"}"#.to_owned()),
        ("/api/push", json, r#"[{"message":"two"}]"#.to_owned()),
        (
            "/api/push/a",
            "application/x-ndjson",
            format!("{{\"message\":\"three\"}}\n{MARK}{{\"message\":\"four\"}}\n"),
        ),
        ("/ingest/generic", json, r#"{"message":"five"}"#.to_owned()),
        ("/ingest/claude-code", json, r#"{"session_id":"s","hook_event_name":"Stop"}"#.to_owned()),
        ("/api/register", json, r#"{"webhook_url":"http://127.0.0.1:9/","channels":["none"]}"#.to_owned()),
    ] {
        let answer = gateway.post(path, content_type, format!("{MARK}{body}")).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
    }
    let page = gateway.get("/api/events?order=oldest").await.json();
    let events = page["events"].as_array().expect("events");
    let messages: Vec<_> = events.iter().take(5).map(|event| &event["message"]).collect();
    assert_eq!(messages, ["one", "two", "three", "four", "five"]);
    assert_eq!(events[4]["data"], json!({"message": "five"}), "what is carried is the JSON alone");

    let ping = format!(r#"{MARK}{{"jsonrpc":"2.0","id":1,"method":"ping"}}"#);
    let answer = gateway
        .request("POST", "/mcp", |request| {
            let request = request.header("accept", "application/json, text/event-stream");
            request.header("content-type", json).body(ping.clone())
        })
        .await;
    assert_eq!((answer.status, &answer.json()["id"]), (200, &json!(1)), "{}", answer.text());
}

#[tokio::test]
async fn a_byte_order_mark_on_stdin_and_in_a_configuration_file_is_ignored() {
    let ping = format!(r#"{MARK}{{"jsonrpc":"2.0","id":1,"method":"ping"}}"#);
    let alone = Shell::new();
    let attached = cli::Gateway::start().await;
    for (shell, words) in [(&alone, &["mcp", "--listen", "127.0.0.1:0"][..]), (&attached.shell, &["mcp"])] {
        let said = shell.run_with(words, &ping).await;
        assert_eq!(cli::json(&said.out)["id"], 1, "{words:?}: {said:?}");
    }
    let lines = format!("{MARK}{{\"message\":\"one\"}}\r\n{{\"message\":\"two\"}}\r\n");
    let said = attached.shell.run_with(&["push", "--ndjson"], &lines).await;
    assert_eq!(said.code, 0, "{said:?}");
    attached.stop().await;

    alone.write(".config/fanfare/config.toml", &format!("{MARK}timeout = \"7s\"\n"));
    let said = alone.run(&["config", "show"]).await;
    assert!(said.code == 0 && said.out.contains("7s"), "{said:?}");
}

#[tokio::test]
async fn characters_that_end_a_line_elsewhere_leave_as_escapes() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let webhook = json!({"webhook_url": receiver.url()});
    assert_eq!(gateway.post_json("/api/webhooks", &webhook).await.status, 201);
    let text = "a\u{2028}b\u{2029}c\u{85}d";
    let mut readers = Vec::new();
    for transport in Transport::ALL {
        readers.push(gateway.open(transport, Listen::to(">")).await);
    }
    let mut raw = Raw::connect(gateway.address).await;
    raw.get("/stream?format=json", "").await;
    let id = gateway.push_event(json!({"message": text, "data": {text: [text]}})).await;
    // The values are the same.
    for reader in &mut readers {
        let event = reader.event().await;
        assert_eq!((&event["message"], &event["data"]), (&json!(text), &json!({text: [text]})));
    }
    let is_plain = |bytes: &[u8], door: &str| {
        let said = std::str::from_utf8(bytes).expect("text");
        assert!(said.contains(r"a\u2028b\u2029c\u0085d"), "{door}: {said}");
        assert!(!said.contains(['\u{2028}', '\u{2029}', '\u{85}']), "{door}: {said}");
    };
    let mut streamed = Vec::new();
    while !streamed.ends_with(b"\n\n") {
        streamed.extend(raw.chunk().await.expect("more"));
    }
    is_plain(&streamed, "/stream");
    is_plain(&receiver.next().await.body, "a webhook");
    for path in ["/api/events".to_owned(), format!("/api/events/{id}")] {
        is_plain(&gateway.get(&path).await.body, &path);
    }
    let lines = |request: reqwest::RequestBuilder| request.header("accept", "application/x-ndjson");
    is_plain(&gateway.request("GET", "/api/events", lines).await.body, "an export");
    let refused = gateway.post_json("/api/push", &json!({"message": "x", text: 1})).await;
    assert!(!refused.text().contains('\u{2028}'), "{}", refused.text());
    let read = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "read_history", "arguments": {}},
    });
    let answer = gateway
        .request("POST", "/mcp", |request| {
            request.header("accept", "application/json, text/event-stream").json(&read)
        })
        .await;
    let said = answer.text();
    assert!(said.contains("2028}b") && !said.contains(['\u{2028}', '\u{2029}', '\u{85}']), "{said}");
}
