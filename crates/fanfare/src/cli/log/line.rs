//! A line of an export, read back as an event.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare_api::event as api;
use fanfare_core::json::without_mark;
use fanfare_core::limits::ORIGINAL_LEN_MAX;
use fanfare_core::{
    Agent, Code, Door, Event, HttpMessage, Invalid, Original, Position, Principal, Source, Timestamp,
    new_event,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The source of an event, as an export has it.
#[derive(Deserialize)]
struct StoredSource {
    principal: String,
    door: String,
    agent: Option<String>,
}

/// Reads an event, with the request that is kept with it. Its arrival is its timestamp, because an export does not have
/// the arrival.
pub(super) fn event(text: &str) -> Result<(Event, Option<HttpMessage>), Invalid> {
    let mut members: BTreeMap<&str, &RawValue> = serde_json::from_slice(without_mark(text.as_bytes()))
        .map_err(|error| {
            Invalid::new(Code::InvalidJson, format!("the line is not a JSON object: {error}"), FIX)
        })?;
    let position: Position = parsed(members.remove("id"), "id")?;
    let timestamp: Timestamp = parsed(members.remove("timestamp"), "timestamp")?;
    let expires: Option<Timestamp> =
        members.remove("expires_at").map(|value| parsed(Some(value), "expires_at")).transpose()?;
    let source = members.remove("source").map(source).transpose()?.unwrap_or_else(unknown);
    let note = members.remove("original").map(|value| original(value, position)).transpose()?;
    let message = members.remove("original_http").map(message).transpose()?;
    // The rest has the members of a push, with the same rules.
    let rest = serde_json::to_string(&members).expect("members with text as keys");
    let new = new_event::parse_stored(rest.as_bytes(), &source)?;
    Ok((Event { expires, original: note, ..new.into_event(position, timestamp) }, message))
}

/// Reads what an event at this position knows of its original.
fn original(value: &RawValue, position: Position) -> Result<Original, Invalid> {
    let stored: Option<api::Original> = serde_json::from_str(value.get()).ok();
    let read = stored.and_then(|stored| match (stored.event, stored.too_long) {
        (Some(event), false) if event.epoch == position.epoch => Some(Original::With(event.seq)),
        (None, true) => Some(Original::TooLong),
        _ => None,
    });
    read.ok_or_else(|| Invalid::new(Code::InvalidJson, "`original` is not valid", FIX).at("/original"))
}

/// Reads the request that is kept with an event.
fn message(value: &RawValue) -> Result<HttpMessage, Invalid> {
    let text: Option<String> = serde_json::from_str(value.get()).ok();
    let bytes = text.and_then(|text| STANDARD.decode(text).ok());
    let message = bytes.filter(|bytes| bytes.len() <= ORIGINAL_LEN_MAX).and_then(HttpMessage::from_bytes);
    message.ok_or_else(|| {
        Invalid::new(Code::InvalidJson, "`original_http` is not valid", FIX).at("/original_http")
    })
}

/// What to import instead.
const FIX: &str = "import what `fanfare log export` or `fanfare history -o ndjson` wrote; to push new events, use \
                   `fanfare push --ndjson`";

/// Reads a member that an event in a log has.
fn parsed<T: std::str::FromStr>(value: Option<&RawValue>, name: &str) -> Result<T, Invalid> {
    let text: Option<String> = value.and_then(|value| serde_json::from_str(value.get()).ok());
    let read = text.and_then(|text| text.parse().ok());
    let problem = if value.is_some() { "is not valid" } else { "is missing" };
    read.ok_or_else(|| {
        Invalid::new(Code::InvalidJson, format!("`{name}` {problem}"), FIX).at(format!("/{name}"))
    })
}

fn source(value: &RawValue) -> Result<Source, Invalid> {
    let invalid = || Invalid::new(Code::InvalidJson, "`source` is not valid", FIX).at("/source");
    let stored: StoredSource = serde_json::from_str(value.get()).map_err(|_| invalid())?;
    let principal = Principal::named(&stored.principal).ok_or_else(invalid)?;
    Ok(Source {
        principal: Arc::clone(principal.name()),
        door: Door::from_name(&stored.door).ok_or_else(invalid)?,
        agent: stored.agent.as_deref().and_then(Agent::claimed),
    })
}

/// Returns the source of an event that does not name one.
fn unknown() -> Source {
    Source { principal: Arc::clone(Principal::local().name()), door: Door::Http, agent: None }
}

#[cfg(test)]
mod tests {
    use super::event;

    #[test]
    fn an_exported_event_reads_back_as_it_was() {
        for line in [
            r#"{"id":"k3f9x2ab-7","channel":"builds.web","type":"error","message":"no\nroom","data":{"n":1.50},"priority":"high","key":"k","timestamp":"2026-11-21T08:00:00.123456+00:00","source":{"principal":"local","door":"mcp","agent":"claude"},"audience":"stream","expires_at":"2026-11-21T09:00:00.000000+00:00"}"#,
            r#"{"id":"k3f9x2ab-8","channel":"default","type":"info","message":"","priority":"default","timestamp":"2026-11-21T08:00:00.000000+00:00","source":{"principal":"local","door":"http"},"audience":"all"}"#,
            r#"{"id":"k3f9x2ab-9","channel":"default","type":"info","message":"","priority":"default","timestamp":"2026-11-21T08:00:00.000000+00:00","source":{"principal":"local","door":"ingest"},"audience":"all","original":{"event":"k3f9x2ab-8"}}"#,
            r#"{"id":"k3f9x2ab-9","channel":"default","type":"info","message":"","priority":"default","timestamp":"2026-11-21T08:00:00.000000+00:00","source":{"principal":"local","door":"ingest"},"audience":"all","original":{"too_long":true}}"#,
        ] {
            let (read, _) = event(line).expect("an event");
            assert_eq!(serde_json::to_string(&read).expect("text"), line);
        }
    }

    #[test]
    fn what_is_no_exported_event_is_said() {
        for (line, at) in [
            ("hello", ""),
            (r#"{"message":"x"}"#, "/id"),
            (r#"{"id":"nonsense","message":"x","timestamp":"2026-11-21T08:00:00Z"}"#, "/id"),
            (r#"{"id":"k3f9x2ab-7","message":"x"}"#, "/timestamp"),
            (
                r#"{"id":"k3f9x2ab-7","message":"x","timestamp":"2026-11-21T08:00:00Z","priority":"most"}"#,
                "/priority",
            ),
            (r#"{"id":"k3f9x2ab-7","message":"x","timestamp":"2026-11-21T08:00:00Z","source":1}"#, "/source"),
            (r#"{"id":"k3f9x2ab-7","message":"x","timestamp":"2026-11-21T08:00:00Z","other":1}"#, "/other"),
            (
                r#"{"id":"k3f9x2ab-7","message":"x","timestamp":"2026-11-21T08:00:00Z","original":{}}"#,
                "/original",
            ),
            (
                r#"{"id":"k3f9x2ab-7","message":"x","timestamp":"2026-11-21T08:00:00Z","original_http":"eA=="}"#,
                "/original_http",
            ),
        ] {
            assert_eq!(&*event(line).expect_err("it is wrong").at, at, "{line}");
        }
    }
}
