//! `alertmanager`: a group of alerts becomes one event per alert. Grafana sends the same format.

use serde_json::{Value, json};

use crate::ingest::document::Document;
use crate::ingest::words::{first, line, text};
use crate::ingest::{Incoming, event_type};
use fanfare_core::code::Code;
use fanfare_core::event::EventType;
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;
use fanfare_core::priority::Priority;

/// Maximum alerts of one request that become events: Alertmanager can be told to send fewer (`max_alerts`).
const ALERTS_MAX: usize = 1_000;
/// Maximum size of a group that is repeated beside each of its alerts, in bytes of JSON: 16 MiB for all of them, as for
/// a push.
const GROUP_LEN_MAX: usize = 16 * 1024;

pub(super) fn read(incoming: Incoming<'_>) -> Result<Vec<NewEvent>, Invalid> {
    let mut group = incoming.object()?.value;
    let alerts = group.as_object_mut().and_then(|members| members.remove("alerts"));
    let Some(Value::Array(mut alerts)) = alerts else {
        return Err(Invalid::new(
            Code::InvalidJson,
            "the body has no list `alerts`",
            "send the payload of Alertmanager's `webhook_configs`",
        )
        .at("/alerts"));
    };
    if alerts.is_empty() {
        return Err(Invalid::new(Code::EmptyBatch, "the group has no alerts", "send at least one alert")
            .at("/alerts"));
    }
    let left_out = alerts.len().saturating_sub(ALERTS_MAX);
    alerts.truncate(ALERTS_MAX);
    if group.to_string().len() > GROUP_LEN_MAX {
        group = json!({ "status": group["status"], "omitted_bytes": incoming.body.len() });
    }
    let note = note(&group, alerts.len(), left_out, &incoming)?;
    let events = alerts.into_iter().map(|alert| read_alert(&group, alert, &incoming));
    events.chain(note.map(Ok)).collect()
}

/// Returns the event that says which alerts are missing, if some are: those that are over the limit here, and those that
/// Alertmanager itself left out (`truncatedAlerts`).
fn note(
    group: &Value,
    taken: usize,
    left_out: usize,
    incoming: &Incoming<'_>,
) -> Result<Option<NewEvent>, Invalid> {
    let truncated = group.get("truncatedAlerts").and_then(Value::as_u64).unwrap_or(0);
    let mut message = match left_out {
        0 => String::new(),
        _ => format!(
            "only the first {taken} of {} alerts are here: Alertmanager sends fewer at once with `max_alerts: {ALERTS_MAX}`",
            taken + left_out
        ),
    };
    if truncated > 0 {
        let and = if message.is_empty() { "" } else { "; " };
        message.push_str(&format!("{and}Alertmanager left out {truncated} more alerts of this group"));
    }
    if message.is_empty() {
        return Ok(None);
    }
    let mut event = NewEvent::new(message, incoming.source.clone())?;
    event.event_type = event_type("alertmanager.", "truncated");
    event.priority = Priority::High;
    event.data = Some(Document::of(group.clone()).data);
    Ok(Some(event))
}

fn read_alert(group: &Value, alert: Value, incoming: &Incoming<'_>) -> Result<NewEvent, Invalid> {
    let is_resolved = text(&alert, "/status").or_else(|| text(group, "/status")) == Some("resolved");
    let mut event = NewEvent::new(message(&alert, is_resolved), incoming.source.clone())?;
    event.event_type = kind(is_resolved);
    event.priority = if is_resolved { Priority::Default } else { priority(&alert) };
    // An alert keeps one fingerprint, however often it is sent: a subscriber that lags can receive only its latest
    // state.
    event.key = text(&alert, "/fingerprint").and_then(|fingerprint| fingerprint.parse().ok());
    let mut data = group.clone();
    if let Some(members) = data.as_object_mut() {
        members.insert("alert".to_owned(), alert);
    }
    event.data = Some(Document::of(data).data);
    Ok(event)
}

fn kind(is_resolved: bool) -> EventType {
    event_type("alertmanager.", if is_resolved { "resolved" } else { "firing" })
}

/// Returns `HighLatency is firing on web-1: p99 is 2 s`.
fn message(alert: &Value, is_resolved: bool) -> String {
    let name = line(text(alert, "/labels/alertname").unwrap_or("an alert"));
    let mut message = format!("{name} is {}", if is_resolved { "resolved" } else { "firing" });
    if let Some(instance) = text(alert, "/labels/instance") {
        message.push_str(&format!(" on {}", line(instance)));
    }
    let said = first(alert, &["/annotations/summary", "/annotations/message", "/annotations/description"]);
    if let Some(said) = said {
        message.push_str(&format!(": {}", line(said)));
    }
    message
}

/// Returns the priority for `severity`, which is a convention and not a rule: an alert without one is still an alert.
fn priority(alert: &Value) -> Priority {
    let severity = text(alert, "/labels/severity").unwrap_or_default().to_ascii_lowercase();
    match &*severity {
        "critical" | "page" | "emergency" | "disaster" | "p1" => Priority::Max,
        "info" | "informational" | "none" | "notice" => Priority::Default,
        "debug" => Priority::Low,
        _ => Priority::High,
    }
}
