//! Linear: `Linear-Event: Issue`, with the action in the body.

use serde_json::Value;

use crate::ingest::Incoming;
use crate::ingest::told::Told;
use crate::ingest::words::{first, line, spaced_camel, text, with};
use fanfare_core::priority::Priority;

/// The priority of an urgent issue.
const URGENT: u64 = 1;

pub(super) fn tell(incoming: &Incoming<'_>, value: &Value) -> Told {
    let kind = text(value, "/type").or_else(|| incoming.header("linear-event")).unwrap_or("event");
    let action = text(value, "/action").unwrap_or("update");
    let is_urgent =
        kind == "Issue" && value.pointer("/data/priority").and_then(Value::as_u64) == Some(URGENT);
    let is_breached = kind == "IssueSLA" && matches!(action, "breached" | "highRisk");
    Told {
        name: format!("{kind}.{action}").to_ascii_lowercase(),
        message: what(kind, action, value),
        priority: if is_urgent || is_breached { Priority::High } else { Priority::Default },
        id: incoming.header("linear-delivery").map(str::to_owned),
    }
}

fn what(kind: &str, action: &str, value: &Value) -> String {
    let at = |pointer: &str| text(value, pointer);
    let who =
        line(first(value, &["/actor/name", "/data/user/name", "/data/creator/name"]).unwrap_or("somebody"));
    let did = match action {
        "create" => "created".to_owned(),
        "update" => "updated".to_owned(),
        "remove" => "removed".to_owned(),
        other => spaced_camel(other),
    };
    let issue = first(value, &["/data/identifier", "/data/issue/identifier", "/issueData/identifier"]);
    let title = first(value, &["/data/title", "/data/name", "/data/issue/title", "/issueData/title"]);
    match kind {
        "Issue" => {
            let issue = line(issue.unwrap_or("an issue"));
            let has_moved = value.pointer("/updatedFrom/stateId").is_some();
            match at("/data/state/name").filter(|_| has_moved) {
                Some(state) => with(&format!("{who} moved {issue} to {}", line(state)), title),
                None => with(&format!("{who} {did} {issue}"), title),
            }
        }
        "Comment" if action == "create" => {
            let on = line(issue.unwrap_or("an issue"));
            with(&format!("{who} commented on {on}"), at("/data/body"))
        }
        "Reaction" => with(&format!("{who} reacted"), at("/data/emoji")),
        "IssueSLA" => with(&format!("SLA of {}: {did}", line(issue.unwrap_or("an issue"))), title),
        kind => {
            let noun = spaced_camel(kind);
            with(&format!("{who} {did} {noun}"), title.or_else(|| at("/data/body")))
        }
    }
}
