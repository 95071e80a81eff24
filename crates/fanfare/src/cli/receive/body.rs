//! Finds the events in the body of a webhook request, in any of the payload formats.

use fanfare_core::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::cli::event_line::Line;

/// The parts of an event that a body may have.
#[derive(Debug)]
pub(crate) struct EventParts {
    pub(crate) id: String,
    pub(crate) channel: String,
    pub(crate) event_type: String,
    pub(crate) message: String,
    pub(crate) data: Option<Box<RawValue>>,
    pub(crate) priority: String,
}

impl EventParts {
    /// Returns the parts that a line shows, with the given time.
    pub(crate) fn line(&self, timestamp: Timestamp) -> Line<'_> {
        Line {
            channel: &self.channel,
            event_type: &self.event_type,
            priority: &self.priority,
            message: &self.message,
            data: self.data.as_deref().map(|data| data.get()),
            timestamp: Some(timestamp),
        }
    }
}

/// Returns the events in a body: one, several for a batch, or none if it is something else.
pub(crate) fn events_in(body: &[u8]) -> Vec<EventParts> {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(body) else { return Vec::new() };
    let batch: Option<Vec<&RawValue>> = serde_json::from_str(raw.get()).ok();
    let members = batch.unwrap_or_else(|| vec![raw]);
    let events: Option<Vec<EventParts>> = members.into_iter().map(|member| event_in(member.get())).collect();
    events.unwrap_or_default()
}

/// Parses an event. Missing members stay empty.
pub(crate) fn event_in(json: &str) -> Option<EventParts> {
    let members: Map<String, Value> = serde_json::from_str(json).ok()?;
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    let is_cloud_event = members.contains_key("specversion");
    let cloud = members.get("data").filter(|_| is_cloud_event).and_then(Value::as_object);
    let in_cloud = |name: &str| cloud.and_then(|data| data.get(name));
    let message = match is_cloud_event {
        true => in_cloud("message").and_then(Value::as_str).map(str::to_owned),
        false => text("message"),
    };
    let data = if is_cloud_event { in_cloud("data") } else { members.get("data") };
    Some(EventParts {
        message: message?,
        id: text("id").unwrap_or_default(),
        channel: text("channel").or_else(|| text("subject")).unwrap_or_else(|| "–".to_owned()),
        event_type: text("type").unwrap_or_else(|| "info".to_owned()),
        data: data.and_then(|data| RawValue::from_string(data.to_string()).ok()),
        priority: text("priority").unwrap_or_else(|| "default".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::events_in;

    #[test]
    fn every_payload_format_is_parsed() {
        let shown = |body: &str| -> Vec<String> {
            let events = events_in(body.as_bytes());
            let data = |data: &serde_json::value::RawValue| data.get().to_owned();
            events
                .iter()
                .map(|one| {
                    let data = one.data.as_deref().map(data).unwrap_or_default();
                    format!("{} {} {} {data}", one.channel, one.event_type, one.message)
                })
                .collect()
        };
        let seed = r#"{"message":"hi","timestamp":"t","channel":"a","type":"error","data":{"n":1}}"#;
        assert_eq!(shown(seed), [r#"a error hi {"n":1}"#]);
        assert_eq!(shown(&format!("[{seed},{seed}]")).len(), 2);
        let cloud = r#"{"specversion":"1.0","id":"x-1","type":"info","subject":"a","data":{"message":"hi","data":[1]}}"#;
        assert_eq!(shown(cloud), ["a info hi [1]"]);
        assert_eq!(shown(r#"{"message":"only this"}"#), ["– info only this "]);
        for other in ["", "text", "[]", "[1]", r#"{"data":1}"#] {
            assert!(shown(other).is_empty(), "{other}");
        }
    }
}
