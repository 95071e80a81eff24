//! Arguments as models write them: strict modes fill in every argument, and some languages know only fractions.

use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::gateway::Gateway;
use crate::support::tools::{Era, Told};

/// Calls a tool, which may fail.
async fn call(gateway: &Gateway, tool: &str, arguments: Value) -> Told {
    gateway.call_tool(Era::Modern, json!({"name": tool, "arguments": arguments}), &[]).await
}

#[tokio::test]
async fn an_argument_that_is_null_or_empty_is_an_absent_one() {
    let gateway = Gateway::with_every_tool(Engine::Memory).await;
    for tool in gateway.tools(Era::Modern, "all").await {
        let name = tool["name"].as_str().expect("a name");
        let example = tool["description"].as_str().and_then(|text| text.split("Example: ").nth(1));
        let mut example: Value = serde_json::from_str(example.expect("an example")).expect("JSON");
        if name == "wait_for" {
            example["wait"] = json!("1s");
        }
        let plain = call(&gateway, name, example.clone()).await;
        for (index, nothing) in [Value::Null, json!("")].iter().enumerate() {
            let mut filled = example.clone();
            for argument in tool["inputSchema"]["properties"].as_object().expect("arguments").keys() {
                if filled[argument].is_null() {
                    filled[argument] = nothing.clone();
                }
            }
            if name == "register_webhook" {
                filled["webhook_url"] = json!(format!("http://localhost:3000/{index}"));
            }
            let told = call(&gateway, name, filled.clone()).await;
            assert_eq!(told.is_error, plain.is_error, "{name} {filled}: {}", told.text);
            if plain.is_error {
                assert_eq!(told.text, plain.text, "{name} {filled}");
            }
        }
    }
    // A required argument is missing then, and the refusal says so.
    let told = call(&gateway, "delivery_status", json!({"event_id": ""})).await;
    assert!(told.text.contains("`event_id` is missing"), "{}", told.text);
    // No arguments at all.
    for arguments in [json!({"name": "list_targets"}), json!({"name": "list_targets", "arguments": null})] {
        assert!(!gateway.call_tool(Era::Modern, arguments, &[]).await.is_error);
    }
}

#[tokio::test]
async fn what_stands_for_nothing_is_left_out_and_data_is_left_alone() {
    let gateway = Gateway::start().await;
    let data = json!({"a": null, "b": "", "c": [null, ""]});
    let pushed = json!({"message": "x", "data": data, "key": "", "channel": null});
    assert!(!call(&gateway, "push_stream", pushed).await.is_error);
    let read = call(&gateway, "read_history", json!({"response_format": "detailed", "limit": 1.0})).await;
    let event = &read.structured["events"][0];
    assert_eq!((&event["data"], &event["key"], &event["channel"]), (&data, &Value::Null, &json!("default")));
}

#[tokio::test]
async fn a_whole_number_may_have_a_fraction_of_nothing() {
    let gateway = Gateway::start().await;
    for message in ["1", "2", "3"] {
        gateway.push("a", message).await;
    }
    let few = call(&gateway, "read_history", json!({"limit": 2.0})).await;
    assert_eq!(few.messages(), ["3", "2"]);
    assert!(!call(&gateway, "list_targets", json!({"limit": 1e1})).await.is_error);
    for limit in [json!(2.5), json!(1e9), json!(-1.0), json!("2")] {
        let refused = call(&gateway, "read_history", json!({"limit": limit})).await;
        assert!(refused.text.contains("`limit` is not a whole number from 1 to 100"), "{}", refused.text);
    }
}
