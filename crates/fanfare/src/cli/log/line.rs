//! A line of an export, read back as an event.

use std::collections::BTreeMap;
use std::sync::Arc;

use fanfare_core::{Agent, Code, Door, Event, Invalid, Position, Principal, Source, Timestamp, new_event};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The source of an event, as an export has it.
#[derive(Deserialize)]
struct StoredSource {
    principal: String,
    door: String,
    agent: Option<String>,
}

/// Reads an event. Its arrival is its timestamp, because an export does not have the arrival.
pub(super) fn event(text: &str) -> Result<Event, Invalid> {
    let mut members: BTreeMap<&str, &RawValue> = serde_json::from_str(text).map_err(|error| {
        Invalid::new(Code::InvalidJson, format!("the line is not a JSON object: {error}"), FIX)
    })?;
    let position: Position = parsed(members.remove("id"), "id")?;
    let timestamp: Timestamp = parsed(members.remove("timestamp"), "timestamp")?;
    let expires: Option<Timestamp> =
        members.remove("expires_at").map(|value| parsed(Some(value), "expires_at")).transpose()?;
    let source = members.remove("source").map(source).transpose()?.unwrap_or_else(unknown);
    // The rest has the members of a push, with the same rules.
    let pushed = serde_json::to_string(&members).expect("members with text as keys");
    let new = new_event::parse_ndjson(pushed.as_bytes(), &source).map_err(|invalid| Invalid {
        at: invalid.at.strip_prefix("/0").unwrap_or(&invalid.at).into(),
        ..invalid
    })?;
    let Some(new) = new.into_events().into_iter().next() else {
        return Err(Invalid::new(Code::InvalidJson, "the line has no event", FIX));
    };
    Ok(Event { expires, ..new.into_event(position, timestamp) })
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
        ] {
            let read = event(line).expect("an event");
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
        ] {
            assert_eq!(&*event(line).expect_err("it is wrong").at, at, "{line}");
        }
    }
}
