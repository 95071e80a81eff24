//! GitLab: the hooks of projects and groups (`X-Gitlab-Event: Push Hook`), and system hooks.

use serde_json::Value;

use crate::ingest::Incoming;
use crate::ingest::told::Told;
use crate::ingest::words::{about, counted, first, line, spaced, text, with};
use fanfare_core::priority::Priority;

const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

pub(super) fn tell(incoming: &Incoming<'_>, value: &Value) -> Told {
    let name = kind(incoming, value);
    let place = first(
        value,
        &[
            "/project/path_with_namespace",
            "/project_path_with_namespace",
            "/path_with_namespace",
            "/project_name",
            "/group/full_path",
            "/group_path",
            "/full_path",
            "/repository/name",
        ],
    );
    Told {
        message: about(place, &what(&name, value)),
        priority: priority(&name, value),
        // The id of the delivery; other headers name the webhook, or one attempt.
        id: first_header(incoming, &["idempotency-key", "x-gitlab-event-uuid"]),
        name,
    }
}

fn first_header(incoming: &Incoming<'_>, names: &[&'static str]) -> Option<String> {
    names.iter().find_map(|name| incoming.header(name)).map(str::to_owned)
}

/// Returns what happened, in GitLab's words: `push`, `merge_request`, `user_add_to_team`.
fn kind(incoming: &Incoming<'_>, value: &Value) -> String {
    let said = first(value, &["/object_kind", "/event_name", "/event_type"]);
    said.map(line).unwrap_or_else(|| {
        let header = incoming.header("x-gitlab-event").unwrap_or("event");
        header.trim_end_matches(" Hook").to_ascii_lowercase().replace(' ', "_")
    })
}

fn what(name: &str, value: &Value) -> String {
    let at = |pointer: &str| text(value, pointer);
    let who = line(
        first(value, &["/user_name", "/user/name", "/user/username", "/user_username"]).unwrap_or("somebody"),
    );
    let action = first(value, &["/object_attributes/action", "/action"]).map(acted).unwrap_or_default();
    let title = at("/object_attributes/title");
    let numbered = |noun: &str, mark: &str| {
        let number = value.pointer("/object_attributes/iid").and_then(Value::as_u64);
        let number = number.map_or("?".to_owned(), |number| number.to_string());
        let did = if action.is_empty() { "changed" } else { &*action };
        with(&format!("{who} {did} {noun} {mark}{number}"), title)
    };
    match name {
        "push" => push(&who, value),
        "tag_push" => {
            let tag = line(at("/ref").unwrap_or("?").trim_start_matches("refs/tags/"));
            let did = if at("/after") == Some(NO_COMMIT) { "deleted" } else { "pushed" };
            format!("{who} {did} tag {tag}")
        }
        "issue" => numbered("issue", "#"),
        "work_item" => {
            let noun = at("/object_attributes/type").unwrap_or("work item").to_lowercase();
            numbered(&line(&noun), "#")
        }
        "merge_request" => numbered("merge request", "!"),
        "note" => note(&who, value),
        "wiki_page" => with(&format!("{who} {action} wiki page"), title),
        "pipeline" => {
            let status = spaced(first(value, &["/object_attributes/status"]).unwrap_or("?"));
            let id = value.pointer("/object_attributes/id").and_then(Value::as_u64).unwrap_or_default();
            with(&format!("pipeline #{id} {status}{}", on(at("/object_attributes/ref"))), at("/commit/title"))
        }
        "build" => {
            let (job, status) = (at("/build_name").unwrap_or("?"), at("/build_status").unwrap_or("?"));
            let why = at("/build_failure_reason").filter(|why| *why != "unknown_failure");
            let why = why.filter(|_| status == "failed").map(spaced);
            with(&format!("job \"{}\" {}{}", line(job), spaced(status), on(at("/ref"))), why.as_deref())
        }
        "deployment" => {
            let place = line(at("/environment").unwrap_or("?"));
            format!("deployment to {place}: {}", spaced(at("/status").unwrap_or("?")))
        }
        "feature_flag" => {
            let is_on = value.pointer("/object_attributes/active") == Some(&Value::Bool(true));
            let flag = line(at("/object_attributes/name").unwrap_or("?"));
            format!("{who} turned feature flag {flag} {}", if is_on { "on" } else { "off" })
        }
        "release" => {
            let release = line(first(value, &["/name", "/tag"]).unwrap_or("?"));
            format!("release {release} {action}")
        }
        "emoji" => {
            let did = if action == "revoked" { "took back" } else { "reacted with" };
            format!("{who} {did} {}", line(at("/object_attributes/name").unwrap_or("?")))
        }
        "milestone" => with(&format!("milestone {action}"), title),
        "vulnerability" => {
            let severity = line(at("/object_attributes/severity").unwrap_or("unknown"));
            with(&format!("{severity} vulnerability {}", state(value)), title)
        }
        "access_token" => {
            let token = line(first(value, &["/object_attributes/name"]).unwrap_or("?"));
            format!(
                "access token {token} expires on {}",
                line(at("/object_attributes/expires_at").unwrap_or("?"))
            )
        }
        other => member(other, value),
    }
}

/// Returns the sentence of a push to a branch.
fn push(who: &str, value: &Value) -> String {
    let at = |pointer: &str| text(value, pointer);
    let branch = line(at("/ref").unwrap_or("?").trim_start_matches("refs/heads/"));
    if at("/after") == Some(NO_COMMIT) {
        return format!("{who} deleted branch {branch}");
    }
    // The list has the newest commits only, and the number counts all.
    let listed = value.get("commits").and_then(Value::as_array);
    let count = value.get("total_commits_count").and_then(Value::as_u64);
    let count = count.unwrap_or_else(|| listed.map_or(0, |commits| commits.len() as u64));
    let last = listed.and_then(|commits| commits.last());
    let message = last.and_then(|commit| first(commit, &["/title", "/message"]));
    let commits = counted(count, "commit");
    match (at("/before") == Some(NO_COMMIT), count) {
        (true, 0) => with(&format!("{who} created branch {branch}"), message),
        (true, _) => with(&format!("{who} created branch {branch} with {commits}"), message),
        (false, 0) => with(&format!("{who} pushed no new commits to {branch}"), message),
        (false, _) => with(&format!("{who} pushed {commits} to {branch}"), message),
    }
}

fn note(who: &str, value: &Value) -> String {
    let at = |pointer: &str| text(value, pointer);
    let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let on = match at("/object_attributes/noteable_type") {
        Some("MergeRequest") => format!("merge request !{}", number("/merge_request/iid")),
        Some("Issue") => format!("issue #{}", number("/issue/iid")),
        Some("Snippet") => format!("snippet ${}", number("/snippet/id")),
        Some("Commit") => "a commit".to_owned(),
        _ => "something".to_owned(),
    };
    with(&format!("{who} commented on {on}"), at("/object_attributes/note"))
}

/// Returns the sentence of a system hook, and of a hook that has no sentence of its own: `user_add_to_team` and whom.
fn member(name: &str, value: &Value) -> String {
    let whom = first(
        value,
        &[
            "/user_name",
            "/username",
            "/user_username",
            "/name",
            "/path",
            "/key",
            "/group_name",
            "/object_attributes/title",
        ],
    );
    let words = match name {
        "user_add_to_team" => "member added".to_owned(),
        "user_remove_from_team" => "member removed".to_owned(),
        "user_update_for_team" => "member updated".to_owned(),
        "user_add_to_group" => "group member added".to_owned(),
        "user_remove_from_group" => "group member removed".to_owned(),
        "user_update_for_group" => "group member updated".to_owned(),
        "user_failed_login" => "failed login".to_owned(),
        other => match other.rsplit_once('_') {
            Some((noun, verb)) => format!("{} {}", spaced(noun), acted(verb)),
            None => spaced(other),
        },
    };
    with(&words, whom)
}

/// Returns `open` as `opened`.
fn acted(verb: &str) -> String {
    match verb {
        "approval" | "approved" => "approved".to_owned(),
        "unapproval" | "unapproved" => "withdrew the approval of".to_owned(),
        "award" => "awarded".to_owned(),
        "destroy" => "destroyed".to_owned(),
        "rename" => "renamed".to_owned(),
        "transfer" => "transferred".to_owned(),
        verb if verb.ends_with('e') => line(&format!("{verb}d")),
        verb if verb.ends_with("ed") => line(verb),
        verb => line(&format!("{}ed", verb.replace('_', " "))),
    }
}

fn on(reference: Option<&str>) -> String {
    reference.map(|reference| format!(" on {}", line(reference))).unwrap_or_default()
}

fn state(value: &Value) -> String {
    spaced(first(value, &["/object_attributes/state"]).unwrap_or("reported"))
}

/// Returns a high priority for what a person should look at: what failed, and what can be attacked.
fn priority(name: &str, value: &Value) -> Priority {
    const STATES: &[&str] = &["/object_attributes/status", "/build_status", "/status"];
    let has_failed = STATES.iter().any(|at| text(value, at) == Some("failed"));
    let is_allowed = value.get("build_allow_failure") == Some(&Value::Bool(true));
    let severity = text(value, "/object_attributes/severity").unwrap_or_default().to_ascii_lowercase();
    match name {
        "pipeline" | "build" | "deployment" if has_failed && !is_allowed => Priority::High,
        "vulnerability" if matches!(&*severity, "critical" | "high") => Priority::High,
        "access_token" | "user_failed_login" => Priority::High,
        _ => Priority::Default,
    }
}
