//! Gitea, Forgejo and Gogs: GitHub's format with some names of their own.

use serde_json::Value;

use crate::ingest::Incoming;
use crate::ingest::github;
use crate::ingest::told::Told;

pub(super) fn tell(
    incoming: &Incoming<'_>,
    event: &'static str,
    delivery: &'static str,
    value: &Value,
) -> Told {
    let name = incoming.header(event).unwrap_or("event");
    // Each step of a review or of a discussion is an event of its own; the body is that of the one in GitHub.
    let known = match name {
        "issue_assign" | "issue_label" | "issue_milestone" => "issues",
        "pull_request_assign"
        | "pull_request_label"
        | "pull_request_milestone"
        | "pull_request_sync"
        | "pull_request_review_request" => "pull_request",
        "pull_request_comment" => "issue_comment",
        "pull_request_approved" | "pull_request_review_approved" => "pull_request_approved",
        "pull_request_rejected" | "pull_request_review_rejected" => "pull_request_rejected",
        other => other,
    };
    Told {
        name: name.to_owned(),
        message: github::sentence::of(known, value),
        priority: github::priority(known, value),
        id: incoming.header(delivery).map(str::to_owned),
    }
}
