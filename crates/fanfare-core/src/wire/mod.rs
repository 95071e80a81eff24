//! Wire formats: the representations of events for subscribers. Bytes are made once per event and format, and shared.

#[cfg(test)]
mod event_source;
pub mod payload;
pub mod sse;
#[cfg(test)]
mod tests;
pub mod websocket;

use crate::event::Event;
use crate::notice::Notice;

/// The representation of events for a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// Server-sent events.
    Sse(sse::Format),
    /// JSON in WebSocket text frames.
    WebSocket,
}

impl Wire {
    /// The number of formats: [`Wire::index`] is below it.
    pub const COUNT: usize = 9;

    /// Returns the format's index in a table.
    pub fn index(self) -> usize {
        match self {
            Wire::Sse(format) => {
                usize::from(format.json) + 2 * usize::from(format.named) + 4 * usize::from(format.chunked)
            }
            Wire::WebSocket => 8,
        }
    }

    /// Appends one event to `out`.
    pub fn write_event(self, event: &Event, out: &mut Vec<u8>) {
        match self {
            Wire::Sse(format) => sse::write_event(format, event, out),
            Wire::WebSocket => websocket::write_event(event, out),
        }
    }

    /// Appends a notice to `out`; nothing if this format does not show it.
    pub fn write_notice(self, notice: &Notice, out: &mut Vec<u8>) {
        match self {
            Wire::Sse(format) => sse::write_notice(format, notice, out),
            Wire::WebSocket => websocket::write_notice(notice, out),
        }
    }
}

impl Notice {
    /// Appends the members, without the braces around them.
    fn write_members(&self, out: &mut Vec<u8>) {
        let members = match self {
            Notice::CaughtUp { position } => format!(r#""position":"{position}""#),
            Notice::Closing { retry_ms } => format!(r#""reason":"shutdown","retry_ms":{retry_ms}"#),
            Notice::Gap { after, next } => {
                let missed = next.seq.saturating_sub(after.seq + 1);
                format!(r#""after":"{after}","next":"{next}","missed":{missed}"#)
            }
            Notice::Reset { reason, position } => {
                format!(r#""reason":"{}","position":"{position}""#, reason.as_str())
            }
        };
        out.extend_from_slice(members.as_bytes());
    }
}
