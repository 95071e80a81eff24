//! Paths: a trailing slash makes no difference.

use serde_json::json;

use crate::support::gateway::Gateway;
use crate::support::raw::Raw;

#[tokio::test]
async fn a_trailing_slash_changes_nothing_on_any_route() {
    let gateway = Gateway::start().await;
    let document = gateway.get("/openapi.json").await.json();
    let documented = document["paths"].as_object().expect("paths").keys().map(String::as_str);
    let others = ["/mcp", "/mcp/sse", "/mcp/sse/message", "/messages", "/sse", "/openapi.json", "/reference"];
    for path in documented.chain(others) {
        let ask = async |path: &str| {
            let answer = gateway.request("OPTIONS", path, |request| request).await;
            (answer.status, answer.header("allow").to_owned())
        };
        let plain = ask(path).await;
        assert_eq!(plain.0, 204, "{path}");
        assert_eq!(ask(&format!("{path}/")).await, plain, "{path}/");
    }
    gateway.get("/nowhere/").await.problem(404, "not_found");
}

#[tokio::test]
async fn requests_with_a_trailing_slash_do_the_same() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect(gateway.address).await;
    assert_eq!(raw.get("/stream/?channel=builds", "").await.status, 200);
    assert_eq!(
        gateway.post_json("/api/push/", &json!({"channel": "builds", "message": "one"})).await.status,
        200
    );
    assert_eq!(gateway.post("/api/push/builds/?type=error", "text/plain", "two").await.status, 200);
    assert_eq!(gateway.post("/ingest/generic/", "text/plain", "three").await.status, 200);
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let answer = gateway
        .request("POST", "/mcp/", |request| {
            request.header("accept", "application/json, text/event-stream").json(&ping)
        })
        .await;
    assert_eq!((answer.status, &answer.json()["id"]), (200, &json!(1)));
    let page = gateway.get("/api/events/?order=oldest").await.json();
    let pushed: Vec<_> =
        page["events"].as_array().expect("events").iter().map(|event| &event["message"]).collect();
    assert_eq!(pushed, ["one", "two", "three"]);
    let mut text = String::new();
    while !text.contains("two") {
        text.push_str(&String::from_utf8(raw.chunk().await.expect("more")).expect("text"));
    }
    assert!(!text.contains("three"), "the query counts: {text}");
}
