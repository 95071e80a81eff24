//! Changes: only to those who asked for them, and only in the words of their era.

use serde_json::json;

use crate::server::{Server, modern, request};

const WATCHED: &str = "test://watched-resource";

async fn trigger(server: &Server, what: &str) {
    let name = format!("test_trigger_{what}_change");
    let done = server.modern(&[], json!({}), "tools/call", json!({ "name": name })).await;
    assert_eq!(done.last()["result"]["resultType"], "complete");
}

#[tokio::test]
async fn each_subscription_hears_of_what_it_asked_for() {
    let server = Server::start();
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "subscriptions/listen")];
    let mut streams = Vec::new();
    for (id, wanted) in [
        (json!(1), json!({ "toolsListChanged": true })),
        (json!("two"), json!({ "promptsListChanged": true, "toolsListChanged": false })),
        (
            json!(3),
            json!({ "resourceSubscriptions": [WATCHED, "test://no-such"], "resourcesListChanged": true }),
        ),
        (json!(4), json!({ "toolsListChanged": true, "promptsListChanged": true })),
    ] {
        let (mut body, _) = modern(json!({}), "subscriptions/listen", json!({ "notifications": wanted }));
        body["id"] = id.clone();
        let mut stream = server.open(&headers, Some(&body)).await;
        let first = stream.wait(1).await.remove(0);
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
        let resources = &first["params"]["notifications"]["resourceSubscriptions"];
        assert_eq!(*resources, if id == 3 { json!([WATCHED]) } else { json!(null) }, "what is honoured");
        streams.push((id, stream));
    }
    for what in ["prompt", "tool", "resource"] {
        trigger(&server, what).await;
    }
    let (tools, prompts) = ("notifications/tools/list_changed", "notifications/prompts/list_changed");
    let resource = "notifications/resources/updated";
    for ((id, mut stream), wanted) in
        streams.into_iter().zip([&[tools][..], &[prompts], &[resource], &[prompts, tools]])
    {
        let messages = stream.wait(wanted.len() + 1).await;
        let heard: Vec<_> =
            messages[1..].iter().map(|message| message["method"].as_str().expect("a notification")).collect();
        assert_eq!(heard, wanted);
        for message in &messages {
            assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], id, "{message}");
        }
        if wanted == [resource] {
            assert_eq!(messages[1]["params"]["uri"], WATCHED);
        }
    }
}

#[tokio::test]
async fn a_legacy_session_hears_of_the_resources_that_it_named() {
    let server = Server::start();
    let session = server.begin(json!({})).await;
    let headers = [("mcp-session-id", session.as_str())];
    let mut stream = server.open(&headers, None).await;
    let named = json!({ "uri": WATCHED });
    trigger(&server, "resource").await;
    let done = server.send(&headers, &request(2, "resources/subscribe", named.clone())).await;
    assert_eq!(done.last()["result"], json!({}));
    trigger(&server, "resource").await;
    // Each is followed separately: simultaneous changes of two are reported in any order.
    stream.wait(1).await;
    trigger(&server, "tool").await;
    let messages = stream.wait(2).await;
    assert_eq!(messages[0]["method"], "notifications/resources/updated");
    assert_eq!(messages[0]["params"], named, "tags are for the modern revision");
    assert_eq!(messages[1]["method"], "notifications/tools/list_changed");
    let done = server.send(&headers, &request(3, "resources/unsubscribe", named)).await;
    assert_eq!(done.last()["result"], json!({}));
    trigger(&server, "resource").await;
    trigger(&server, "prompt").await;
    assert_eq!(stream.wait(3).await[2]["method"], "notifications/prompts/list_changed");
}

#[tokio::test]
async fn what_is_read_says_how_long_it_may_be_kept_to_modern_clients_alone() {
    let server = Server::start();
    let named = json!({ "uri": WATCHED });
    let read = server.modern(&[], json!({}), "resources/read", named.clone()).await;
    let result = &read.last()["result"];
    assert_eq!((result["ttlMs"].is_u64(), &result["cacheScope"]), (true, &json!("private")));
    let legacy = server.send(&[], &request(1, "resources/read", named)).await;
    let result = legacy.last()["result"].as_object().expect("a result");
    assert_eq!(result.keys().collect::<Vec<_>>(), ["contents"]);
    let unknown = json!({ "uri": "test://no-such" });
    let refused = server.modern(&[], json!({}), "resources/read", unknown.clone()).await;
    assert_eq!((refused.refused(), &refused.last()["error"]["data"]), ((200, -32602), &unknown));
    let refused = server.send(&[], &request(1, "resources/read", unknown)).await;
    assert_eq!(refused.refused(), (200, -32002));
}
