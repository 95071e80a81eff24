//! The schemas of the tools, held against what each host accepts: a single refused schema ends a whole request.

use fanfare_mcp::portable;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::tools::Era;

#[tokio::test]
async fn every_host_accepts_every_tool() {
    let gateway = Gateway::with_every_tool(Engine::Memory).await;
    let mut wrong = Vec::new();
    let tools = gateway.tools(Era::Modern, "all").await;
    assert!(tools.len() >= 14, "all tools are listed");
    for tool in tools {
        let text = |member: &str| tool[member].as_str().expect("text");
        let words = portable::check_words(text("name"), text("description"));
        let schemas = portable::check_input(&tool["inputSchema"]);
        let outputs = portable::check_output(&tool["outputSchema"]);
        for problem in words.into_iter().chain(schemas).chain(outputs) {
            wrong.push(format!("{}: {problem}", text("name")));
        }
        // Gemini on Vertex AI accepts `anyOf` only without a description beside it, which a model needs.
        if tool["inputSchema"].to_string().contains("anyOf") {
            wrong.push(format!("{}: an argument has several types", text("name")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn the_instructions_are_shown_whole() {
    let gateway = Gateway::start().await;
    let told = gateway.rpc(Era::Modern, "server/discover", json!({}), &[]).await.json();
    let instructions = told["result"]["instructions"].as_str().expect("instructions");
    assert!(instructions.chars().count() <= portable::INSTRUCTIONS_CHARS_MAX);
}

/// Every conversation pays for the list; docs/mcp.md has the figures.
#[tokio::test]
async fn the_list_of_tools_stays_short() {
    let gateway = Gateway::start().await;
    let mut tools = gateway.tools(Era::Modern, "essential").await;
    let len = |tools: &[Value]| serde_json::to_string(tools).expect("JSON").len();
    assert!(len(&tools) < 12_000, "{} bytes", len(&tools));
    for tool in &mut tools {
        tool.as_object_mut().expect("a tool").remove("outputSchema");
    }
    assert!(len(&tools) < 8_000, "{} bytes without output schemas", len(&tools));
}

/// The server also accepts what a schema does not list: data of any kind, and a number of seconds.
#[tokio::test]
async fn more_is_accepted_than_a_schema_can_say_to_every_host() {
    let gateway = Gateway::start().await;
    for data in [json!([1, [2]]), json!("text"), json!(1.5), json!(true), json!({"a": [null]})] {
        let params =
            json!({"name": "push_stream", "arguments": {"message": "x", "data": data, "expires_in": 60}});
        let told = gateway.call_tool(Era::Modern, params, &[]).await;
        assert!(!told.is_error, "{}", told.text);
        let detailed = json!({"limit": 1, "since": 60, "response_format": "detailed"});
        let params = json!({"name": "read_history", "arguments": detailed});
        let told = gateway.call_tool(Era::Modern, params, &[]).await;
        assert_eq!(told.structured["events"][0]["data"], data);
        assert_ne!(told.structured["events"][0]["expires_at"], Value::Null);
    }
}
