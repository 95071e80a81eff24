//! Tools that ask the client for something while it waits for the answer; legacy sessions only.

use fanfare_mcp::tools::{Answer, Call as ToolCall, Tool};
use fanfare_server::mcp::call::Call;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::tools::{text, tool, with_schema};

const SAMPLING: &str = "test_sampling";
const ELICITATION: &str = "test_elicitation";
const DEFAULTS: &str = "test_elicitation_sep1034_defaults";
const ENUMS: &str = "test_elicitation_sep1330_enums";

/// Lists them.
pub(super) fn tools() -> Vec<Tool> {
    let one = |name: &str, description: &str| json!({ "type": "object", "properties": { name: { "type": "string", "description": description } }, "required": [name] });
    vec![
        with_schema(SAMPLING, "Ask the model", "Asks the client's model", one("prompt", "What it is asked")),
        with_schema(ELICITATION, "Ask the user", "Asks the user", one("message", "What the user is asked")),
        tool(DEFAULTS, "Ask with defaults", "Asks the user, with a default for each kind of field"),
        tool(ENUMS, "Ask with choices", "Asks the user, with each kind of choice"),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Arguments {
    prompt: String,
    message: String,
}

/// Calls one of them.
pub(super) async fn call(call: &Call, tool: &ToolCall<'_>) -> Option<Answer> {
    let arguments: Arguments = match serde_json::from_str(tool.arguments()) {
        Ok(arguments) => arguments,
        Err(error) => return Some(Answer::error(format!("invalid arguments: {error}"))),
    };
    Some(match tool.name.as_str() {
        SAMPLING => {
            let message = json!({ "role": "user", "content": { "type": "text", "text": arguments.prompt } });
            let params = json!({ "messages": [message], "maxTokens": 100 });
            ask(call, "sampling", "sampling/createMessage", &params, |said| {
                let said = said.pointer("/content/text").and_then(Value::as_str);
                format!("LLM response: {}", said.unwrap_or("no text"))
            })
            .await
        }
        ELICITATION => {
            let properties = json!({
                "username": { "type": "string", "description": "The name of the user" },
                "email": { "type": "string", "description": "The user's address" },
            });
            elicit(call, &arguments.message, properties, &["username", "email"], "User response").await
        }
        DEFAULTS => {
            elicit(call, "Please look at the defaults", defaults(), &[], "Elicitation completed").await
        }
        ENUMS => elicit(call, "Please choose", choices(), &[], "Elicitation completed").await,
        _ => return None,
    })
}

async fn elicit(call: &Call, message: &str, properties: Value, required: &[&str], prefix: &str) -> Answer {
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let params = json!({ "message": message, "requestedSchema": schema });
    ask(call, "elicitation", "elicitation/create", &params, |said| {
        let action = said["action"].as_str().unwrap_or("unknown");
        format!("{prefix}: action={action}, content={}", said["content"])
    })
    .await
}

async fn ask(
    call: &Call,
    capability: &str,
    method: &str,
    params: &Value,
    say: impl FnOnce(Value) -> String,
) -> Answer {
    if !call.can(capability) {
        return Answer::error(format!("the client has not declared the capability `{capability}`"));
    }
    match call.ask(method, params).await {
        Ok(result) => text(say(serde_json::from_str(result.get()).unwrap_or_default())),
        Err(error) => Answer::error(error.to_string()),
    }
}

/// A field of every kind, with the defaults that SEP-1034 names.
fn defaults() -> Value {
    json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
        "verified": { "type": "boolean", "default": true },
    })
}

/// A choice of every kind that SEP-1330 names.
fn choices() -> Value {
    let titled = |titles: [&str; 3]| -> Vec<Value> {
        let numbered = titles.iter().enumerate();
        numbered.map(|(at, title)| json!({ "const": format!("value{}", at + 1), "title": title })).collect()
    };
    json!({
        "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
        "titledSingle": { "type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"]) },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {
            "type": "array",
            "items": { "type": "string", "enum": ["option1", "option2", "option3"] },
            "minItems": 1,
            "maxItems": 3,
        },
        "titledMulti": {
            "type": "array",
            "items": { "anyOf": titled(["First Choice", "Second Choice", "Third Choice"]) },
            "minItems": 1,
            "maxItems": 3,
        },
    })
}
