//! Log messages and progress: only for clients that asked, and only on the stream of their request.

use serde_json::{Value, json};

use crate::server::{Server, request};

#[tokio::test]
async fn modern_log_messages_come_when_the_request_asked_for_their_level() {
    let server = Server::start();
    for (level, count) in [(None, 0), (Some("debug"), 3), (Some("info"), 3), (Some("notice"), 0)] {
        let meta = level.map_or(json!({}), |level| json!({ "io.modelcontextprotocol/logLevel": level }));
        let call = json!({ "name": "test_logging_tool", "arguments": {} });
        let answer = server.modern(&[], meta, "tools/call", call).await;
        assert_eq!(answer.before(), vec!["notifications/message"; count], "{level:?}");
        assert_eq!(answer.is_stream, count > 0);
        assert_eq!(answer.last()["result"]["resultType"], "complete");
    }
}

#[tokio::test]
async fn legacy_log_messages_come_from_the_level_that_the_session_chose() {
    let server = Server::start();
    let session = server.begin(json!({})).await;
    let headers = [("mcp-session-id", session.as_str())];
    let call = request(2, "tools/call", json!({ "name": "test_tool_with_logging" }));
    for (level, count) in [("debug", 3), ("error", 0), ("info", 3)] {
        let chosen = server.send(&headers, &request(3, "logging/setLevel", json!({ "level": level }))).await;
        assert_eq!(chosen.last()["result"], json!({}));
        assert_eq!(server.send(&headers, &call).await.before().len(), count, "{level}");
    }
}

#[tokio::test]
async fn progress_goes_to_the_request_that_asked_for_it() {
    let server = Server::start();
    let session = server.begin(json!({})).await;
    let params =
        |token: &Value| json!({ "name": "test_tool_with_progress", "_meta": { "progressToken": token } });
    let tokens = [json!("a"), json!(2), json!("c"), json!(4)];
    let headers = [("mcp-session-id", session.as_str())];
    let calls = [2, 3].map(|id| request(id, "tools/call", params(&tokens[(id - 2) as usize])));
    let by_itself = |token: &Value| {
        let meta = json!({ "progressToken": token });
        server.modern(&[], meta, "tools/call", json!({ "name": "test_tool_with_progress" }))
    };
    let answers = tokio::join!(
        server.send(&headers, &calls[0]),
        server.send(&headers, &calls[1]),
        by_itself(&tokens[2]),
        by_itself(&tokens[3]),
    );
    for (answer, token) in [answers.0, answers.1, answers.2, answers.3].iter().zip(&tokens) {
        assert_eq!(answer.before(), ["notifications/progress"; 3]);
        for message in &answer.messages[..3] {
            assert_eq!(message["params"]["progressToken"], *token, "{message}");
        }
    }
    let unasked =
        server.modern(&[], json!({}), "tools/call", json!({ "name": "test_tool_with_progress" })).await;
    assert!(unasked.before().is_empty());
}
