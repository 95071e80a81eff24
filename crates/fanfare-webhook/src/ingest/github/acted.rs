//! What somebody did to a pull request, an issue or a discussion: the words before and after its name.

use std::borrow::Cow;

use serde_json::Value;

use crate::ingest::words::{line, spaced, text};

/// Returns the words around `pull request #7`: `mona added label bug to` and nothing, or `mona marked` and ` as ready
/// for review`. `at` is the place of the thing.
pub(super) fn acted(value: &Value, at: &str) -> (Cow<'static, str>, &'static str) {
    let said = |pointer: &str| line(text(value, pointer).unwrap_or("?"));
    let action = text(value, "/action").unwrap_or_default();
    let is_merged = value.pointer(&format!("{at}/merged")) == Some(&Value::Bool(true));
    let (before, after): (&'static str, &'static str) = match action {
        "closed" if is_merged => ("merged", ""),
        "assigned" => return (format!("assigned {} to", said("/assignee/login")).into(), ""),
        "unassigned" => return (format!("unassigned {} from", said("/assignee/login")).into(), ""),
        "labeled" => return (format!("added label {} to", said("/label/name")).into(), ""),
        "unlabeled" => return (format!("removed label {} from", said("/label/name")).into(), ""),
        "auto_merge_disabled" => ("disabled auto-merge for", ""),
        "auto_merge_enabled" => ("enabled auto-merge for", ""),
        "converted_to_draft" => ("converted", " to a draft"),
        "dequeued" => ("removed", " from the merge queue"),
        "demilestoned" => ("removed", " from its milestone"),
        "enqueued" => ("added", " to the merge queue"),
        "milestoned" => ("added", " to a milestone"),
        "ready_for_review" => ("marked", " as ready for review"),
        "review_request_removed" => ("withdrew a review request for", ""),
        "review_requested" => ("requested a review of", ""),
        "synchronize" => ("pushed to", ""),
        other => return (spaced(other).into(), ""),
    };
    (before.into(), after)
}
