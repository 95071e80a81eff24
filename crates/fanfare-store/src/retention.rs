//! What is kept.

use std::time::Duration;

/// What is kept: an event goes when it is too old, when there are too many, or when they are too large. What is
/// kept of deliveries has ages of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Oldest age; default 7 days.
    pub age: Duration,
    /// Most events; default 1,000,000.
    pub count: u64,
    /// Most bytes, counted by `Event::stored_len`; default 1 GiB.
    pub bytes: u64,
    /// Oldest age of an attempt; default 7 days. At most [`ATTEMPTS_MAX`] are kept.
    ///
    /// [`ATTEMPTS_MAX`]: crate::ATTEMPTS_MAX
    pub attempts: Duration,
    /// How long a delivery that was given up is kept; default 30 days.
    pub dead_letters: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            age: 7 * DAY,
            count: 1_000_000,
            bytes: 1024 * 1024 * 1024,
            attempts: 7 * DAY,
            dead_letters: 30 * DAY,
        }
    }
}

/// Most events that one sweep removes: a transaction of a few milliseconds, between two commits of appends.
pub const SWEEP_LEN_MAX: u64 = 2_000;

/// Once a sweep has removed so many bytes of events it takes no more, for the same reason.
pub const SWEEP_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most deliveries, and most attempts, that one sweep removes: fewer, because each lies in several places.
pub const FORGET_LEN_MAX: u64 = 500;
