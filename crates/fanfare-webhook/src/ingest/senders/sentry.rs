//! Sentry: `Sentry-Hook-Resource: issue`, with the action in the body.

use serde_json::Value;

use crate::ingest::Incoming;
use crate::ingest::told::Told;
use crate::ingest::words::{about, first, line, spaced, text, with};
use fanfare_core::priority::Priority;

pub(super) fn tell(incoming: &Incoming<'_>, value: &Value) -> Told {
    let resource = incoming.header("sentry-hook-resource").unwrap_or("event");
    let action = text(value, "/action").unwrap_or("sent");
    let place = first(
        value,
        &[
            "/data/issue/project/slug",
            "/data/event/project_slug",
            "/data/project_slug",
            "/data/metric_alert/projects/0",
            "/data/error/project_slug",
        ],
    );
    Told {
        name: format!("{resource}.{action}"),
        message: about(place, &what(resource, action, value)),
        priority: priority(resource, action, value),
        id: incoming.header("request-id").map(str::to_owned),
    }
}

fn what(resource: &str, action: &str, value: &Value) -> String {
    let at = |pointer: &str| text(value, pointer);
    let who = line(first(value, &["/actor/name"]).unwrap_or("somebody"));
    match resource {
        "issue" => {
            let issue = line(at("/data/issue/shortId").unwrap_or("issue"));
            let (did, title) = (spaced(action), at("/data/issue/title"));
            match at("/actor/type") {
                Some("user") => with(&format!("{who} {did} {issue}"), title),
                _ => with(&format!("{issue} {did}"), title),
            }
        }
        "event_alert" => {
            let rule = line(at("/data/triggered_rule").unwrap_or("an alert"));
            with(&format!("{rule} triggered"), first(value, &["/data/event/title", "/data/event/message"]))
        }
        "metric_alert" => {
            let alert = first(value, &["/data/description_title", "/data/metric_alert/title"]);
            let alert = line(alert.unwrap_or("metric alert"));
            with(&format!("{alert} is {}", spaced(action)), at("/data/description_text"))
        }
        "error" => with("error", first(value, &["/data/error/title", "/data/error/message"])),
        "comment" => with(&format!("{who} {} a comment", spaced(action)), at("/data/comment")),
        "installation" => {
            format!("{who} {} the integration", if action == "created" { "installed" } else { "removed" })
        }
        other => format!("{} {}", spaced(other), spaced(action)),
    }
}

fn priority(resource: &str, action: &str, value: &Value) -> Priority {
    let level = first(value, &["/data/issue/level", "/data/error/level", "/data/event/level"]);
    match (resource, action) {
        ("metric_alert", "critical") => Priority::Max,
        ("metric_alert", "warning") | ("event_alert", _) => Priority::High,
        ("issue", "created" | "unresolved") | ("error", _) => match level {
            Some("fatal") => Priority::Max,
            Some("error") | None => Priority::High,
            Some(_) => Priority::Default,
        },
        _ => Priority::Default,
    }
}
