//! Tools, called as agents of both eras call them. The answers of a tool are checked against its own schemas.

use fanfare_server::mcp::toolset::Toolset;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::Engine;
use crate::support::answer::Answer;
use crate::support::event_source::EventSource;
use crate::support::gateway::Gateway;
pub(crate) use crate::support::rpc::Era;

/// The answer of a tool.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) structured: Value,
    pub(crate) is_error: bool,
}

impl Told {
    /// Returns the messages of the events in it.
    pub(crate) fn messages(&self) -> Vec<&str> {
        let events = self.structured["events"].as_array().expect("events");
        events.iter().map(|event| event["message"].as_str().expect("a message")).collect()
    }

    /// Returns a member that is text.
    pub(crate) fn member(&self, name: &str) -> String {
        self.structured[name].as_str().unwrap_or_else(|| panic!("no `{name}`: {self:?}")).to_owned()
    }
}

impl Gateway {
    /// Starts one whose operator lets agents have every tool.
    pub(crate) async fn with_every_tool(engine: Engine) -> Gateway {
        Gateway::with(engine, |config| config.mcp.toolset = Toolset::All).await
    }

    /// Sends a request without a session.
    pub(crate) async fn rpc(
        &self,
        era: Era,
        method: &str,
        params: Value,
        more: &[(&'static str, &str)],
    ) -> Answer {
        let mut headers = era.headers(method, &params);
        headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.post_mcp("/mcp", &headers, era.request(1, method, params).to_string()).await
    }

    /// Returns the tools of a set.
    pub(crate) async fn tools(&self, era: Era, toolset: &str) -> Vec<Value> {
        let (path, headers) = (format!("/mcp?toolset={toolset}"), era.headers("tools/list", &json!({})));
        let body = era.request(1, "tools/list", json!({})).to_string();
        let answer = self.post_mcp(&path, &headers, body).await;
        answer.json()["result"]["tools"].as_array().unwrap_or_else(|| panic!("{}", answer.text())).clone()
    }

    /// Calls a tool, which must succeed.
    pub(crate) async fn tool(&self, era: Era, name: &str, arguments: Value) -> Told {
        let told = self.call_tool(era, json!({ "name": name, "arguments": arguments }), &[]).await;
        assert!(!told.is_error, "{name} {arguments}: {}", told.text);
        let tools = self.tools(era, "all").await;
        let tool = tools.iter().find(|tool| tool["name"] == name).expect("a tool");
        check(&tool["inputSchema"], &arguments);
        check(&closed(tool["outputSchema"].clone()), &told.structured);
        told
    }

    /// Calls a tool, which must fail, and returns its text.
    pub(crate) async fn tool_error(&self, era: Era, name: &str, arguments: Value) -> String {
        let told = self.call_tool(era, json!({ "name": name, "arguments": arguments }), &[]).await;
        assert!(told.is_error, "{name} {arguments}: {}", told.text);
        assert_eq!(told.structured, Value::Null);
        told.text
    }

    pub(crate) async fn call_tool(&self, era: Era, params: Value, more: &[(&'static str, &str)]) -> Told {
        let answer = self.rpc(era, "tools/call", params, more).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut said: Vec<Value> = if answer.header("content-type") == "text/event-stream" {
            let said = EventSource::default().feed(&answer.body);
            said.iter().map(|said| serde_json::from_str(&said.data).expect("JSON")).collect()
        } else {
            vec![answer.json()]
        };
        let result = said.pop().expect("an answer")["result"].clone();
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{}", answer.text()));
        assert_eq!(result["content"].as_array().map(Vec::len), Some(1));
        Told {
            text: text.to_owned(),
            structured: result["structuredContent"].clone(),
            is_error: result["isError"] == true,
        }
    }
}

/// Returns a schema that refuses what it does not describe.
fn closed(mut schema: Value) -> Value {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(|property| *property = closed(property.take()));
        schema["additionalProperties"] = json!(false);
    }
    if let Some(items) = schema.get_mut("items") {
        *items = closed(items.take());
    }
    schema
}

/// Holds a value against a schema.
pub(crate) fn check(schema: &Value, value: &Value) {
    let wrong: Vec<String> = validator(schema)
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{value:#} does not fit: {wrong:#?}");
}

pub(crate) fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::options().build(schema).unwrap_or_else(|error| panic!("no schema: {error}"))
}
