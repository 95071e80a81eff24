//! Results of the gateway's tools, in two halves: text for people and models, and the same content for programs.
//!
//! Each half stands alone, because some hosts show a model only one of them. So `structuredContent` begins with a note
//! that says what the text says, and hides nothing either.

use fanfare_core::refusal::Refusal;
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Content;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::mcp::gateway::untrusted::visible;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolAnswer {
    content: [Content; 1],
    structured_content: Box<RawValue>,
}

/// Creates a result from `text` for the model and `structured` for programs.
pub(super) fn said(text: String, structured: &impl Serialize) -> Outcome {
    noted(&text.clone(), text, structured)
}

/// Creates a result whose text has more than a note: rows that `structured` has as well. What is written of the latter
/// keeps its bytes: numbers in an event's data keep their digits.
pub(super) fn noted(note: &str, text: String, structured: &impl Serialize) -> Outcome {
    #[derive(Serialize)]
    struct Noted<'a, T> {
        note: &'a str,
        #[serde(flatten)]
        structured: &'a T,
    }
    let written = serde_json::to_string(&Noted { note, structured });
    let written = written.expect("results have text for keys and finite numbers");
    let structured_content =
        RawValue::from_string(visible(&written).into_owned()).expect("JSON stays JSON with other characters");
    Outcome::complete(&ToolAnswer { content: [Content::text(text)], structured_content })
}

/// Describes the `structuredContent` of a tool with these properties, after a note. It is open, and only the note is
/// required: later versions can add members, and leave some out. Names and types suffice, because clients check answers
/// against it and no model sees it.
pub(super) fn output(properties: Value) -> Value {
    let mut all = Map::from_iter([("note".to_owned(), text())]);
    if let Value::Object(properties) = properties {
        all.extend(properties);
    }
    json!({ "type": "object", "properties": all, "required": ["note"] })
}

/// Describes an object in such content.
pub(super) fn object(properties: Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

/// Describes a list of them.
pub(super) fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// Describes text.
pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// Describes a whole number.
pub(super) fn integer() -> Value {
    json!({ "type": "integer" })
}

/// Describes `true` or `false`.
pub(super) fn truth() -> Value {
    json!({ "type": "boolean" })
}

/// Returns a refusal in the words of every door, with the argument that is wrong in front.
pub(super) fn explained(refusal: impl Into<Refusal>) -> String {
    let Refusal { what, at, fix, .. } = refusal.into();
    match at.strip_prefix('/') {
        Some(name) => format!("`{name}`: {what}; {fix}"),
        None => format!("{what}; {fix}"),
    }
}

/// Counts things in words: `1 event`, `2 events`.
pub(super) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
