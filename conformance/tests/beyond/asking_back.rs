//! Questions back: only to those who can answer them, with state that only we can make.

use serde_json::{Value, json};

use crate::server::{Server, request};

const STATE: &str = "test_input_required_result_request_state";
const TAMPERED: &str = "test_input_required_result_tampered_state";

fn confirmed() -> Value {
    json!({ "confirm": { "action": "accept", "content": { "ok": true } } })
}

#[tokio::test]
async fn nobody_is_asked_what_they_cannot_answer() {
    let server = Server::start();
    for (tool, capability) in [
        ("test_input_required_result_elicitation", "elicitation"),
        ("test_input_required_result_sampling", "sampling"),
        ("test_input_required_result_list_roots", "roots"),
    ] {
        let refused = server.call(tool, json!({}), json!({})).await;
        assert_eq!(refused.refused(), (400, -32021), "{tool}");
        let required = &refused.last()["error"]["data"]["requiredCapabilities"];
        assert_eq!(*required, json!({ capability: {} }), "{tool}");
        let asked = server.call(tool, json!({ capability: {} }), json!({})).await;
        let result = &asked.last()["result"];
        assert_eq!(result["resultType"], "input_required", "{tool}");
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&Value::Null, &Value::Null), "{tool}");
        assert!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"].is_string(), "{tool}");
    }
    let nothing = server.call("test_input_required_result_capabilities", json!({}), json!({})).await;
    assert_eq!(nothing.last()["result"]["resultType"], "complete", "it can ask nothing, so it asks nothing");
}

#[tokio::test]
async fn a_legacy_client_is_never_asked_back() {
    let server = Server::start();
    let session = server.begin(json!({ "elicitation": {} })).await;
    let call = request(2, "tools/call", json!({ "name": "test_input_required_result_elicitation" }));
    let refused = server.send(&[("mcp-session-id", &session)], &call).await;
    assert_eq!(refused.refused(), (200, -32600), "{refused:?}");
}

#[tokio::test]
async fn state_is_taken_back_as_it_was_given_and_for_the_same_tool_alone() {
    let server = Server::start();
    let can = || json!({ "elicitation": {} });
    let asked = server.call(STATE, can(), json!({})).await;
    let state = asked.last()["result"]["requestState"].as_str().expect("state").to_owned();
    let with = |state: &str| json!({ "inputResponses": confirmed(), "requestState": state });
    let done = server.call(STATE, can(), with(&state)).await;
    assert_eq!(done.last()["result"]["content"][0]["text"], "state-ok");
    assert_eq!(server.call(TAMPERED, can(), with(&state)).await.refused(), (200, -32602), "another tool");
    for changed in [format!("{state}x"), format!("x{state}"), state.replace('.', ""), String::new()] {
        assert_eq!(server.call(STATE, can(), with(&changed)).await.refused(), (200, -32602), "{changed}");
    }
    let without = server.call(STATE, can(), json!({ "inputResponses": confirmed() })).await;
    assert_eq!(without.last()["result"]["resultType"], "input_required", "it asks again");
    let elsewhere = Server::start();
    assert_eq!(elsewhere.call(STATE, can(), with(&state)).await.refused(), (200, -32602), "another key");
}
