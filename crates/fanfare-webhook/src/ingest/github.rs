//! `github`: `X-Hub-Signature-256`, and events such as `push` and `pull_request`. Gitea and Forgejo send the same headers.

mod sentence;

use std::borrow::Cow;

use serde_json::Value;

use crate::inbound::verify_hub;
use crate::ingest::words::text;
use crate::ingest::{Incoming, Kind, Secrets, delivered_once, event_type, parse};
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;
use fanfare_core::priority::Priority;

pub(super) fn read(incoming: Incoming<'_>, secrets: &Secrets) -> Result<NewEvent, Invalid> {
    verify_hub(incoming.headers, incoming.body, &secrets.github)?;
    let name = incoming.header("x-github-event").ok_or_else(|| {
        Invalid::new(
            Code::InvalidType,
            "the header `X-GitHub-Event` is missing",
            "send it once, as GitHub does: `X-GitHub-Event: push`",
        )
        .at("X-GitHub-Event:")
    })?;
    let (value, data) = parse(&payload(&incoming))?;
    let mut event = NewEvent::new(sentence::of(name, &value), incoming.source.clone())?;
    event.data = Some(data);
    event.event_type = event_type("github.", name);
    event.priority = priority(name, &value);
    // A delivery that is resent, even by hand, has the same id.
    event.idempotency_key =
        incoming.header("x-github-delivery").and_then(|id| delivered_once(Kind::GitHub, id));
    Ok(event)
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
fn priority(name: &str, value: &Value) -> Priority {
    const CONCLUSIONS: &[&str] = &[
        "/workflow_run/conclusion",
        "/workflow_job/conclusion",
        "/check_run/conclusion",
        "/check_suite/conclusion",
        "/deployment_status/state",
        "/state",
    ];
    const FAILED: &[&str] = &["action_required", "error", "failure", "startup_failure", "timed_out"];
    let has_failed = CONCLUSIONS.iter().filter_map(|at| text(value, at)).any(|state| FAILED.contains(&state));
    let is_hole = name.ends_with("_alert") && matches!(text(value, "/action"), Some("created" | "reopened"));
    if has_failed || is_hole { Priority::High } else { Priority::Default }
}
