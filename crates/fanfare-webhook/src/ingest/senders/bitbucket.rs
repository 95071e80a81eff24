//! Bitbucket, in the cloud (`repo:push`, `pullrequest:created`) and on one's own servers (`repo:refs_changed`,
//! `pr:opened`).

use serde_json::Value;

use crate::ingest::Incoming;
use crate::ingest::told::Told;
use crate::ingest::words::{about, counted, first, line, spaced, text, with};
use fanfare_core::priority::Priority;

pub(super) fn tell(incoming: &Incoming<'_>, value: &Value) -> Told {
    let name = incoming.header("x-event-key").unwrap_or("event");
    let place = match first(value, &["/repository/full_name", "/pullRequest/toRef/repository/slug"]) {
        Some(place) => Some(place.to_owned()),
        None => text(value, "/repository/slug").map(|slug| match text(value, "/repository/project/key") {
            Some(project) => format!("{project}/{slug}"),
            None => slug.to_owned(),
        }),
    };
    let failed = text(value, "/commit_status/state") == Some("FAILED");
    let id = ["x-request-uuid", "x-request-id"].into_iter().find_map(|name| incoming.header(name));
    Told {
        name: name.replace(':', "."),
        message: about(place.as_deref(), &what(name, value)),
        priority: if failed { Priority::High } else { Priority::Default },
        id: id.map(str::to_owned),
    }
}

fn what(name: &str, value: &Value) -> String {
    let at = |pointer: &str| text(value, pointer);
    let who = line(
        first(value, &["/actor/display_name", "/actor/displayName", "/actor/nickname", "/actor/name"])
            .unwrap_or("somebody"),
    );
    let comment = || first(value, &["/comment/content/raw", "/comment/text"]);
    let (group, did) = name.rsplit_once(':').unwrap_or(("", name));
    match (group, did) {
        ("diagnostics", "ping") => "webhook set up".to_owned(),
        ("repo", "push") => pushed(&who, value),
        ("repo", "refs_changed") => changed(&who, value),
        ("repo", "commit_status_created" | "commit_status_updated") => {
            let status = first(value, &["/commit_status/name", "/commit_status/key"]).unwrap_or("?");
            let state = spaced(at("/commit_status/state").unwrap_or("?")).to_lowercase();
            with(&format!("{} reported {state}", line(status)), at("/commit_status/description"))
        }
        ("repo", "fork" | "forked") => with(
            &format!("{who} forked the repository"),
            first(value, &["/fork/full_name", "/repository/slug"]),
        ),
        ("repo", "commit_comment_created" | "comment:added") => {
            with(&format!("{who} commented on a commit"), comment())
        }
        ("pullrequest", did) => pull_request(&who, did, value, "/pullrequest"),
        ("pr" | "pr:comment" | "pr:reviewer", did) => {
            let did = if group == "pr:comment" { &format!("comment_{did}") } else { did };
            pull_request(&who, did, value, "/pullRequest")
        }
        ("issue", did) => {
            let number = value.pointer("/issue/id").and_then(Value::as_u64).unwrap_or_default();
            match did {
                "comment_created" => with(&format!("{who} commented on issue #{number}"), comment()),
                did => with(&format!("{who} {} issue #{number}", spaced(did)), at("/issue/title")),
            }
        }
        (_, did) => format!("{} by {who}", spaced(&did.replace(':', " "))),
    }
}

/// Returns the sentence of a push in the cloud: each change of a branch or a tag is said.
fn pushed(who: &str, value: &Value) -> String {
    let changes = value.pointer("/push/changes").and_then(Value::as_array);
    let Some(change) = changes.and_then(|changes| changes.first()) else {
        return format!("{who} pushed no new commits");
    };
    let is = |member: &str| change.get(member) == Some(&Value::Bool(true));
    let at = |pointer: &str| text(change, pointer);
    let place = line(first(change, &["/new/name", "/old/name"]).unwrap_or("?"));
    let is_tag = first(change, &["/new/type", "/old/type"]) == Some("tag");
    let noun = if is_tag { "tag" } else { "branch" };
    let commits = change.get("commits").and_then(Value::as_array).map_or(0, Vec::len) as u64;
    let more = if is("truncated") { "more than " } else { "" };
    let said = if is("closed") {
        format!("{who} deleted {noun} {place}")
    } else if is_tag {
        format!("{who} pushed tag {place}")
    } else if is("created") {
        with(&format!("{who} created branch {place}"), at("/new/target/message"))
    } else {
        let did = if is("forced") { "force-pushed" } else { "pushed" };
        let commits = if commits == 0 { "no new commits".to_owned() } else { counted(commits, "commit") };
        with(&format!("{who} {did} {more}{commits} to {place}"), at("/new/target/message"))
    };
    others(said, changes.map_or(0, Vec::len))
}

/// Returns the sentence of a push to a server of one's own.
fn changed(who: &str, value: &Value) -> String {
    let changes = value.get("changes").and_then(Value::as_array);
    let Some(change) = changes.and_then(|changes| changes.first()) else {
        return format!("{who} pushed no new commits");
    };
    let place = line(text(change, "/ref/displayId").unwrap_or("?"));
    let noun = if text(change, "/ref/type") == Some("TAG") { "tag" } else { "branch" };
    let said = match text(change, "/type") {
        Some("ADD") => format!("{who} created {noun} {place}"),
        Some("DELETE") => format!("{who} deleted {noun} {place}"),
        _ => format!("{who} pushed to {place}"),
    };
    let message = value.pointer("/commits/0").and_then(|commit| text(commit, "/message"));
    others(with(&said, message), changes.map_or(0, Vec::len))
}

fn others(said: String, changes: usize) -> String {
    match changes.saturating_sub(1) {
        0 => said,
        1 => format!("{said} (and 1 other change)"),
        more => format!("{said} (and {more} other changes)"),
    }
}

fn pull_request(who: &str, did: &str, value: &Value, at: &str) -> String {
    let number = value.pointer(&format!("{at}/id")).and_then(Value::as_u64).unwrap_or_default();
    let title = text(value, &format!("{at}/title"));
    let said = |did: &str| with(&format!("{who} {did} pull request #{number}"), title);
    match did {
        "fulfilled" => said("merged"),
        "rejected" => said("declined"),
        "unapproved" => said("withdrew the approval of"),
        "changes_request_created" | "needs_work" => said("requested changes in"),
        "changes_request_removed" => said("withdrew the request for changes in"),
        "from_ref_updated" => said("pushed to"),
        "modified" => said("edited"),
        "updated" => said("updated"),
        "comment_created" | "comment_added" => with(
            &format!("{who} commented on pull request #{number}"),
            first(value, &["/comment/content/raw", "/comment/text"]),
        ),
        other => match other.strip_prefix("comment_") {
            Some(did) => said(&format!("{} a comment on", spaced(did))),
            None => said(&spaced(other)),
        },
    }
}
