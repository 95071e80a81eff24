//! Sentences for GitHub's events: `octo/web: mona pushed 2 commits to main: Fix the build`.

use serde_json::Value;

use super::acted::acted;
use crate::ingest::words::{about, first, line, spaced, text, with};

/// The places of the person, the last ones those of Gitea and Gogs.
const WHO: &[&str] =
    &["/sender/login", "/pusher/name", "/sender/username", "/pusher/login", "/pusher/username"];
/// The commit before a branch begins, and after it is deleted.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Returns a sentence that names the place, the person and the action.
pub(in crate::ingest) fn of(name: &str, value: &Value) -> String {
    let place = first(value, &["/repository/full_name", "/organization/login", "/enterprise/slug"]);
    about(place, &what(name, value))
}

fn what(name: &str, value: &Value) -> String {
    let at = |pointer: &str| text(value, pointer);
    let who = line(first(value, WHO).unwrap_or("somebody"));
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
        "wiki" => with(&format!("{who} {action} wiki page"), at("/page")),
        "gollum" => with(&format!("{who} edited the wiki"), at("/pages/0/title")),
        "public" => format!("{who} made the repository public"),
        "member" => format!("{who} {action} collaborator {}", line(at("/member/login").unwrap_or("?"))),
        "pull_request" => numbered(&who, "pull request", value, "/pull_request"),
        "pull_request_review" => {
            let state = at("/review/state").map(spaced).unwrap_or(action);
            let number = number(value, "/pull_request");
            with(&format!("{who} reviewed pull request {number} ({state})"), at("/pull_request/title"))
        }
        "pull_request_approved" | "pull_request_rejected" => {
            let did = if name == "pull_request_approved" { "approved" } else { "requested changes in" };
            let number = number(value, "/pull_request");
            with(&format!("{who} {did} pull request {number}"), at("/pull_request/title"))
        }
        "issues" => numbered(&who, "issue", value, "/issue"),
        "issue_comment" => comment(&who, &action, value, "/issue"),
        "pull_request_review_comment" => comment(&who, &action, value, "/pull_request"),
        "discussion" => numbered(&who, "discussion", value, "/discussion"),
        "discussion_comment" => comment(&who, &action, value, "/discussion"),
        "commit_comment" => with(&format!("{who} commented on a commit"), at("/comment/body")),
        "release" => {
            let release = first(value, &["/release/name", "/release/tag_name"]);
            format!("{who} {action} release {}", line(release.unwrap_or("?")))
        }
        "workflow_run" | "workflow_job" | "check_run" => ran(name, "name", &action, value),
        "check_suite" => ran(name, "app/name", &action, value),
        "page_build" => {
            let status = spaced(at("/build/status").unwrap_or("?"));
            with(&format!("page build {status}"), at("/build/error/message"))
        }
        "repository_import" => format!("import {}", spaced(at("/status").unwrap_or("?"))),
        "package" | "registry_package" => {
            let package = text(value, &format!("/{name}/name")).unwrap_or("?");
            format!("{who} {action} package {}", line(package))
        }
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
    let is_created = is("created") || text(value, "/before") == Some(NO_COMMIT);
    if let Some(tag) = reference.strip_prefix("refs/tags/") {
        let did = if is("deleted") { "deleted" } else { "pushed" };
        return format!("{who} {did} tag {}", line(tag));
    }
    if is("deleted") {
        return format!("{who} deleted branch {branch}");
    }
    let count = value.get("commits").and_then(Value::as_array).map_or(0, Vec::len);
    let commits = match count {
        0 => "no new commits".to_owned(),
        1 => "1 commit".to_owned(),
        count => format!("{count} commits"),
    };
    if is_created {
        // Commits that are on another branch already are not in the list, so a branch can begin without any.
        let commits = if count == 0 { String::new() } else { format!(" with {commits}") };
        return with(&format!("{who} created branch {branch}{commits}"), text(value, "/head_commit/message"));
    }
    let did = if is("forced") { "force-pushed" } else { "pushed" };
    with(&format!("{who} {did} {commits} to {branch}"), text(value, "/head_commit/message"))
}

/// Returns `mona opened pull request #7: Fix the build`.
fn numbered(who: &str, noun: &str, value: &Value, at: &str) -> String {
    let title = text(value, &format!("{at}/title"));
    let (did, how) = acted(value, at);
    with(&format!("{who} {did} {noun} {}{how}", number(value, at)), title)
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

/// Returns `workflow run "CI" failure on main`; `title` is the place of its name.
fn ran(name: &str, title: &str, action: &str, value: &Value) -> String {
    let at = |member: &str| text(value, &format!("/{name}/{member}"));
    let ended = at("conclusion").map_or_else(|| action.to_owned(), spaced);
    let branch = at("head_branch").map(|branch| format!(" on {}", line(branch))).unwrap_or_default();
    format!("{} \"{}\" {ended}{branch}", spaced(name), line(at(title).unwrap_or("?")))
}
