//! Wire formats: the representations of events for subscribers and receivers, as bytes.

#[cfg(test)]
mod event_source;
pub mod payload;
pub mod sse;
#[cfg(test)]
mod tests;
pub mod websocket;

use serde_json::json;

use crate::event::EventType;
use crate::notice::Notice;

impl Notice {
    /// Appends the members, without the braces around them.
    fn write_members(&self, out: &mut Vec<u8>) {
        let members = match self {
            Notice::CaughtUp { position } => format!(r#""position":"{position}""#),
            Notice::Closing { reason, retry_ms } => {
                format!(r#""reason":"{}","retry_ms":{retry_ms}"#, reason.as_str())
            }
            Notice::Gap { after, next, missed, reason } => {
                let reason = reason.as_str();
                format!(r#""after":"{after}","next":"{next}","missed":{missed},"reason":"{reason}""#)
            }
            Notice::ReaderFilter { filter } => {
                let types = filter.types().iter().map(EventType::as_str).collect::<Vec<_>>();
                let mut members = json!({
                    "channels": filter.patterns(), "types": types, "min_priority": filter.min_priority(),
                });
                if let Some(text) = filter.text() {
                    members["text"] = text.into();
                }
                let members = members.to_string();
                members[1..members.len() - 1].to_owned()
            }
            Notice::Reset { reason, position } => {
                format!(r#""reason":"{}","position":"{position}""#, reason.as_str())
            }
        };
        out.extend_from_slice(members.as_bytes());
    }
}
