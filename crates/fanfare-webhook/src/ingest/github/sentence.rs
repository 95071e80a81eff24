//! Sentences for GitHub's events: `octo/web: mona pushed 2 commits to main: Fix the build`.

use serde_json::Value;

use crate::ingest::words::{about, first, line, spaced, text, with};

/// Returns a sentence that names the place, the person and the action.
pub(super) fn of(name: &str, value: &Value) -> String {
    let place = first(value, &["/repository/full_name", "/organization/login", "/enterprise/slug"]);
    about(place, &what(name, value))
}

fn what(name: &str, value: &Value) -> String {
    let at = |pointer: &str| text(value, pointer);
    let who = line(first(value, &["/sender/login", "/pusher/name"]).unwrap_or("somebody"));
    let action = at("/action").map(spaced).unwrap_or_default();
    match name {
        "ping" => with("webhook set up", at("/zen")),
        "push" => push(&who, value),
        "create" | "delete" => {
            let kind = line(at("/ref_type").unwrap_or("ref"));
            format!("{who} {name}d {kind} {}", line(at("/ref").unwrap_or("?")))
        }
        "fork" => with(&format!("{who} forked the repository"), at("/forkee/full_name")),
        "star" => {
            format!("{who} {} the repository", if action == "deleted" { "unstarred" } else { "starred" })
        }
        "watch" => format!("{who} starred the repository"),
        "pull_request" => {
            let is_merged = value.pointer("/pull_request/merged") == Some(&Value::Bool(true));
            let did = if action == "closed" && is_merged { "merged" } else { &action };
            numbered(&who, did, "pull request", value, "/pull_request")
        }
        "pull_request_review" => {
            let state = at("/review/state").map(spaced).unwrap_or(action);
            let number = number(value, "/pull_request");
            with(&format!("{who} reviewed pull request {number} ({state})"), at("/pull_request/title"))
        }
        "issues" => numbered(&who, &action, "issue", value, "/issue"),
        "issue_comment" => comment(&who, &action, value, "/issue"),
        "pull_request_review_comment" => comment(&who, &action, value, "/pull_request"),
        "discussion" => numbered(&who, &action, "discussion", value, "/discussion"),
        "discussion_comment" => comment(&who, &action, value, "/discussion"),
        "commit_comment" => with(&format!("{who} commented on a commit"), at("/comment/body")),
        "release" => {
            let release = first(value, &["/release/name", "/release/tag_name"]);
            format!("{who} {action} release {}", line(release.unwrap_or("?")))
        }
        "workflow_run" | "workflow_job" | "check_run" => ran(name, &action, value),
        "deployment_status" => {
            let place = line(at("/deployment/environment").unwrap_or("?"));
            format!("deployment to {place}: {}", spaced(at("/deployment_status/state").unwrap_or("?")))
        }
        "status" => {
            let context = line(at("/context").unwrap_or("status"));
            with(&format!("{context} reported {}", line(at("/state").unwrap_or("?"))), at("/description"))
        }
        "dependabot_alert" | "code_scanning_alert" | "secret_scanning_alert" | "repository_advisory" => {
            let alert = first(
                value,
                &[
                    "/alert/security_advisory/summary",
                    "/alert/rule/description",
                    "/alert/secret_type_display_name",
                ],
            );
            with(&format!("{} {action}", spaced(name)), alert)
        }
        _ if action.is_empty() => format!("{} by {who}", spaced(name)),
        _ => format!("{} {action} by {who}", spaced(name)),
    }
}

fn push(who: &str, value: &Value) -> String {
    let reference = text(value, "/ref").unwrap_or("?");
    let branch = line(reference.strip_prefix("refs/heads/").unwrap_or(reference));
    let is = |member: &str| value.get(member) == Some(&Value::Bool(true));
    if let Some(tag) = reference.strip_prefix("refs/tags/") {
        let did = if is("deleted") { "deleted" } else { "pushed" };
        return format!("{who} {did} tag {}", line(tag));
    }
    if is("deleted") {
        return format!("{who} deleted branch {branch}");
    }
    let commits = match value.get("commits").and_then(Value::as_array).map_or(0, Vec::len) {
        0 => "no new commits".to_owned(),
        1 => "1 commit".to_owned(),
        count => format!("{count} commits"),
    };
    let did = if is("forced") { "force-pushed" } else { "pushed" };
    with(&format!("{who} {did} {commits} to {branch}"), text(value, "/head_commit/message"))
}

/// Returns `mona opened pull request #7: Fix the build`.
fn numbered(who: &str, did: &str, noun: &str, value: &Value, at: &str) -> String {
    let title = text(value, &format!("{at}/title"));
    with(&format!("{who} {did} {noun} {}", number(value, at)), title)
}

fn comment(who: &str, action: &str, value: &Value, at: &str) -> String {
    let did = match action {
        "created" => "commented on".to_owned(),
        other => format!("{other} a comment on"),
    };
    with(&format!("{who} {did} {}", number(value, at)), text(value, "/comment/body"))
}

fn number(value: &Value, at: &str) -> String {
    let number = value.pointer(&format!("{at}/number")).and_then(Value::as_u64);
    number.map_or("#?".to_owned(), |number| format!("#{number}"))
}

/// Returns `workflow run "CI" failure on main`.
fn ran(name: &str, action: &str, value: &Value) -> String {
    let at = |member: &str| text(value, &format!("/{name}/{member}"));
    let ended = at("conclusion").map_or_else(|| action.to_owned(), spaced);
    let branch = at("head_branch").map(|branch| format!(" on {}", line(branch))).unwrap_or_default();
    format!("{} \"{}\" {ended}{branch}", spaced(name), line(at("name").unwrap_or("?")))
}
