//! Azure DevOps: service hooks such as `git.push` and `build.complete`, which bring a sentence of their own.

use serde_json::Value;

use crate::ingest::told::Told;
use crate::ingest::words::{about, first, line, spaced, text};
use fanfare_core::priority::Priority;

pub(super) fn tell(value: &Value) -> Told {
    let name = text(value, "/eventType").unwrap_or("event");
    let said = first(value, &["/message/text", "/detailedMessage/text"]);
    let place = first(
        value,
        &["/resource/repository/name", "/resource/definition/name", "/resource/fields/System.TeamProject"],
    );
    let message = match said {
        Some(said) => line(said),
        None => about(place, &what(name, value)),
    };
    const RESULTS: &[&str] = &[
        "/resource/result",
        "/resource/status",
        "/resource/run/result",
        "/resource/stage/result",
        "/resource/environment/status",
    ];
    let has_failed = RESULTS
        .iter()
        .filter_map(|at| text(value, at))
        .any(|state| matches!(state, "failed" | "partiallySucceeded" | "rejected"));
    Told {
        name: name.to_owned(),
        message,
        priority: if has_failed { Priority::High } else { Priority::Default },
        id: text(value, "/id").map(str::to_owned),
    }
}

/// Returns the sentence of a hook that is set to send none: `git push by Ada`.
fn what(name: &str, value: &Value) -> String {
    let who = first(
        value,
        &[
            "/resource/pushedBy/displayName",
            "/resource/createdBy/displayName",
            "/resource/requestedFor/displayName",
        ],
    );
    let what = spaced(&name.replace(['.', '-'], " "));
    let result = first(value, &["/resource/result", "/resource/status"]);
    let what = result.map_or(what.clone(), |result| format!("{what} {}", line(result)));
    who.map_or(what.clone(), |who| format!("{what} by {}", line(who)))
}
