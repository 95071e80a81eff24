//! Results of the gateway's tools: a sentence for the model, and the same content for programs.

use fanfare_core::refusal::Refusal;
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Content;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolAnswer<'a, T> {
    content: [Content; 1],
    structured_content: &'a T,
}

/// Creates a result from `text` for the model and `structured` for programs. The latter is written verbatim: numbers in
/// an event's data keep their digits.
pub(super) fn said(text: String, structured: &impl Serialize) -> Outcome {
    Outcome::complete(&ToolAnswer { content: [Content::text(text)], structured_content: structured })
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
