//! `data` has a depth at every door: what one reader of JSON accepts, another cannot parse, and a history page with one
//! such event is lost for it.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::Gateway;
use crate::support::socket::Socket;

/// Deeper than `data` may be, and than Python's parser goes.
const DEEP: usize = 100_000;

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn event(depth: usize) -> String {
    format!(r#"{{"channel":"deep","message":"x","data":{}}}"#, nested(depth))
}

#[tokio::test]
async fn data_that_is_nested_too_deep_is_refused_at_every_door() {
    let gateway = Gateway::start().await;
    for depth in [129, DEEP] {
        let event = event(depth);
        for (body, at) in [(event.clone(), "/data"), (format!("[{event}]"), "/0/data")] {
            let problem = gateway.post("/api/push", "application/json", body).await;
            let problem = problem.problem(422, "invalid_data");
            assert_eq!(problem["at"], at, "{problem}");
            assert!(problem["detail"].as_str().is_some_and(|said| said.contains("128 levels")), "{problem}");
        }

        let mut socket = Socket::open(gateway.address).await;
        let events = format!(r#"{{"op":"publish","id":1,"events":[{event}]}}"#);
        socket.send(Message::text(events)).await;
        let said = socket.json().await;
        assert_eq!(
            (&said["op"], &said["error"]["code"]),
            (&json!("error"), &json!("invalid_data")),
            "{said}"
        );

        let call = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"push_stream","arguments":{event}}}}}"#
        );
        let answer = gateway.post("/mcp", "application/json", call).await;
        assert!(answer.text().contains("128 levels"), "{}", answer.text());

        for path in ["/ingest/generic", "/ingest/claude-code", "/ingest/alertmanager"] {
            let body = format!(r#"{{"message":"x","hook_event_name":"Stop","more":{}}}"#, nested(depth));
            let answer = gateway.post(path, "application/json", body).await;
            answer.problem(422, "invalid_data");
        }
    }
    assert_eq!(gateway.hub.last().seq, 0, "something was appended");
}

#[tokio::test]
async fn data_that_is_just_not_too_deep_is_pushed_and_read_back() {
    let gateway = Gateway::start().await;
    // With the levels of the page around it, what the parser of this test reads as well.
    for depth in [1, 120] {
        let answer = gateway.post("/api/push", "application/json", event(depth)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = gateway.get("/api/events?limit=1").await;
        assert_eq!(page.json()["events"][0]["data"].to_string(), nested(depth));
    }
    let answer = gateway.request("POST", "/api/push", |request| {
        request.header("content-type", "application/json").body(event(128))
    });
    assert_eq!(answer.await.status, 200);
}
