//! Notices: messages of the gateway to a subscriber, besides events.

use crate::filter::Filter;
use crate::position::Position;

/// A message of the gateway to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The replay has ended; the events that follow are live.
    CaughtUp {
        /// The subscriber's position.
        position: Position,
    },
    /// The connection ends.
    Closing {
        /// The reason.
        reason: ClosingReason,
        /// The delay before the client should reconnect, in milliseconds.
        retry_ms: u64,
    },
    /// Events that the subscriber had not read are gone.
    Gap {
        /// The subscriber's position.
        after: Position,
        /// The place at which reading goes on.
        next: Position,
        /// Maximum number of them; the exact number of events that are gone cannot always be known.
        missed: u64,
        /// Why they are gone.
        reason: GapReason,
    },
    /// The durable reader has another filter than the subscriber asked for; its own is served.
    ReaderFilter {
        /// The reader's own filter.
        filter: Filter,
    },
    /// The position that the subscriber gave is not valid in this log; live events follow.
    Reset {
        /// The reason.
        reason: ResetReason,
        /// The log's last position.
        position: Position,
    },
}

/// The reason why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosingReason {
    /// An operator disconnected the client.
    Disconnected,
    /// The gateway is stopping.
    Shutdown,
}

impl ClosingReason {
    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ClosingReason::Disconnected => "disconnected",
            ClosingReason::Shutdown => "shutdown",
        }
    }
}

/// The reason why events are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// Their rows in the store are damaged.
    Damaged,
    /// Their channel was purged, or they were redacted.
    Purged,
    /// Retention removed them.
    Retention,
    /// They are in the log, and were skipped because the subscriber lags and asked for it.
    Shed,
}

impl GapReason {
    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            GapReason::Damaged => "damaged",
            GapReason::Purged => "purged",
            GapReason::Retention => "retention",
            GapReason::Shed => "shed",
        }
    }
}

/// The reason why a position is not valid in this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetReason {
    /// The position is beyond the end of the log.
    AheadOfLog,
    /// The position belongs to another log.
    AnotherEpoch,
    /// The text is not a position.
    Unreadable,
}

impl ResetReason {
    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ResetReason::AheadOfLog => "ahead_of_log",
            ResetReason::AnotherEpoch => "another_epoch",
            ResetReason::Unreadable => "unreadable",
        }
    }
}

impl Notice {
    /// Returns the name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Notice::CaughtUp { .. } => "caught-up",
            Notice::Closing { .. } => "closing",
            Notice::Gap { .. } => "gap",
            Notice::ReaderFilter { .. } => "reader-filter",
            Notice::Reset { .. } => "reset",
        }
    }

    /// Returns the position of a subscriber after this notice.
    pub fn position(&self) -> Option<Position> {
        match self {
            Notice::CaughtUp { position } | Notice::Reset { position, .. } => Some(*position),
            Notice::Closing { .. } | Notice::ReaderFilter { .. } => None,
            Notice::Gap { next, .. } => Some(Position { epoch: next.epoch, seq: next.seq.saturating_sub(1) }),
        }
    }
}
