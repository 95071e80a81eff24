//! `github`: `X-Hub-Signature-256`, and events such as `push` and `pull_request`. Gitea and Forgejo send the same headers.

mod acted;
pub(super) mod sentence;

use std::borrow::Cow;

use serde_json::Value;

use crate::ingest::Incoming;
use crate::ingest::document::Document;
use crate::ingest::told::Told;
use crate::ingest::words::text;
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;
use fanfare_core::priority::Priority;

pub(super) fn read(incoming: Incoming<'_>) -> Result<NewEvent, Invalid> {
    let name = incoming.header("x-github-event").ok_or_else(|| {
        Invalid::new(
            Code::InvalidType,
            "the header `X-GitHub-Event` is missing",
            "send it once, as GitHub does: `X-GitHub-Event: push`",
        )
        .at("X-GitHub-Event:")
    })?;
    let document = Document::object(&payload(&incoming))?;
    let told = tell(&incoming, name, &document.value);
    told.event(&incoming, "github.", &document)
}

/// Returns what GitHub says with the event `name`.
pub(super) fn tell(incoming: &Incoming<'_>, name: &str, value: &Value) -> Told {
    Told {
        name: name.to_owned(),
        message: sentence::of(name, value),
        priority: priority(name, value),
        // A delivery that is resent, even by hand, has the same id.
        id: incoming.header("x-github-delivery").map(str::to_owned),
    }
}

/// Returns the JSON: the body itself, or its member `payload` if the webhook uses the content type of forms.
fn payload<'a>(incoming: &Incoming<'a>) -> Cow<'a, [u8]> {
    let content_type = incoming.header("content-type").unwrap_or_default();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Cow::Borrowed(incoming.body);
    }
    let found = url::form_urlencoded::parse(incoming.body).find(|(name, _)| name == "payload");
    found.map_or(Cow::Borrowed(incoming.body), |(_, json)| Cow::Owned(json.into_owned().into_bytes()))
}

/// Returns a high priority for what a person should look at: failed builds and security alerts.
pub(super) fn priority(name: &str, value: &Value) -> Priority {
    const CONCLUSIONS: &[&str] = &[
        "/workflow_run/conclusion",
        "/workflow_job/conclusion",
        "/check_run/conclusion",
        "/check_suite/conclusion",
        "/deployment_status/state",
        "/build/status",
        "/state",
    ];
    const FAILED: &[&str] =
        &["action_required", "error", "errored", "failure", "startup_failure", "timed_out"];
    let has_failed = CONCLUSIONS.iter().filter_map(|at| text(value, at)).any(|state| FAILED.contains(&state));
    let is_hole = name.ends_with("_alert") && matches!(text(value, "/action"), Some("created" | "reopened"));
    if has_failed || is_hole { Priority::High } else { Priority::Default }
}
