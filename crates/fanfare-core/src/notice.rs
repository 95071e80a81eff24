//! Notices: what a reader is told besides events.

use crate::position::Position;

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
}
