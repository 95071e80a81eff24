//! Wire formats: how events look to readers. Bytes are made once per event and format, and shared.

#[cfg(test)]
mod event_source;
pub mod payload;
pub mod sse;
#[cfg(test)]
mod tests;
pub mod websocket;

use crate::event::Event;
use crate::position::Position;

/// How events look to a reader.
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

    /// Gives the format's place in a table.
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

    /// Appends a notice to `out`; nothing when this format does not show it.
    pub fn write_notice(self, notice: &Notice, out: &mut Vec<u8>) {
        match self {
            Wire::Sse(format) => sse::write_notice(format, notice, out),
            Wire::WebSocket => websocket::write_notice(notice, out),
        }
    }
}

/// What a reader is told besides events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The replay has ended; what follows is live.
    CaughtUp {
        /// The reader's position.
        position: Position,
    },
    /// The gateway is stopping.
    Closing {
        /// When to come back, in milliseconds.
        retry_ms: u64,
    },
    /// Retention removed what the reader had not read.
    Gap {
        /// The reader's position.
        after: Position,
        /// The oldest event there is.
        next: Position,
    },
    /// The position that the reader gave means nothing in this log; live events follow.
    Reset {
        /// Why.
        reason: ResetReason,
        /// The log's last position.
        position: Position,
    },
}

/// The names of notices, which no event may have as its type: a pusher must not be able to say them.
pub const NOTICE_NAMES: [&str; 4] = ["caught-up", "closing", "gap", "reset"];

/// Why a position means nothing in this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetReason {
    /// It is past the log's end.
    AheadOfLog,
    /// It belongs to another log.
    AnotherEpoch,
    /// It is no position.
    Unreadable,
}

impl ResetReason {
    /// Gives the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ResetReason::AheadOfLog => "ahead_of_log",
            ResetReason::AnotherEpoch => "another_epoch",
            ResetReason::Unreadable => "unreadable",
        }
    }
}

impl Notice {
    /// Gives the name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Notice::CaughtUp { .. } => "caught-up",
            Notice::Closing { .. } => "closing",
            Notice::Gap { .. } => "gap",
            Notice::Reset { .. } => "reset",
        }
    }

    /// Gives the position at which a reader that got this notice is.
    pub fn position(&self) -> Option<Position> {
        match self {
            Notice::CaughtUp { position } | Notice::Reset { position, .. } => Some(*position),
            Notice::Closing { .. } => None,
            Notice::Gap { next, .. } => Some(Position { epoch: next.epoch, seq: next.seq.saturating_sub(1) }),
        }
    }

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
