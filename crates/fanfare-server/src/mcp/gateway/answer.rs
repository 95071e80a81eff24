//! Results of the gateway's tools: a sentence for the model, and the same content for programs.

use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Content;
use serde::Serialize;

use fanfare_hub::values;

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

/// Returns the text for a log that could not be read.
pub(super) fn unreadable(error: &values::Error) -> String {
    tracing::error!(%error, "the log could not be read for a tool");
    "the event log could not be read; the cause is in the gateway's server log. Nothing was changed; try again in a moment"
        .to_owned()
}

/// Counts things in words: `1 event`, `2 events`.
pub(super) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
