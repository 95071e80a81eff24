//! The tools, by theme.

mod asking;
mod content;
mod input_required;
mod schemas;
mod telling;

use fanfare_mcp::tools::{Annotations, Answer, Call as ToolCall, Content, Tool};
use fanfare_mcp::{Error, Outcome};
use fanfare_server::mcp::call::Call;
use serde_json::{Value, json};

use crate::suite::Suite;

/// Lists them.
pub(crate) fn all() -> Vec<Tool> {
    [content::tools(), telling::tools(), asking::tools(), schemas::tools(), input_required::tools()].concat()
}

/// Calls one.
pub(crate) async fn call(suite: &Suite, call: &Call, tool: ToolCall<'_>) -> Result<Outcome, Error> {
    if let Some(answer) = content::answer(&tool.name).or_else(|| schemas::answer(&tool)) {
        return Ok(Outcome::complete(&answer));
    }
    if let Some(outcome) = input_required::call(suite, call, &tool) {
        return outcome;
    }
    let answer = match telling::call(suite, call, &tool.name).await {
        Some(answer) => Some(answer),
        None => asking::call(call, &tool).await,
    };
    let unknown = || Error::invalid_params(format!("unknown tool `{}`", tool.name));
    answer.map(|answer| Outcome::complete(&answer)).ok_or_else(unknown)
}

/// Describes a tool without arguments.
fn tool(name: &'static str, title: &'static str, description: &'static str) -> Tool {
    with_schema(name, title, description, json!({ "type": "object", "properties": {} }))
}

/// Describes a tool.
fn with_schema(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    input_schema: Value,
) -> Tool {
    let annotations = Annotations {
        read_only_hint: true,
        destructive_hint: false,
        idempotent_hint: true,
        open_world_hint: false,
    };
    Tool {
        name: name.into(),
        title: title.into(),
        description: description.into(),
        input_schema,
        output_schema: None,
        annotations,
    }
}

/// Answers with these pieces.
fn pieces(content: Vec<Content>) -> Answer {
    Answer { content, structured_content: None, is_error: false }
}

/// Answers with a text.
fn text(text: impl Into<String>) -> Answer {
    pieces(vec![Content::text(text)])
}
