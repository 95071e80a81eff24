//! What is kept.

use std::time::Duration;

/// What is kept: an event goes when it is too old, when there are too many, or when they are too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Oldest age; default 7 days.
    pub age: Duration,
    /// Most events; default 1,000,000.
    pub count: u64,
    /// Most bytes, counted by `Event::stored_len`; default 1 GiB.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { age: Duration::from_secs(7 * 24 * 60 * 60), count: 1_000_000, bytes: 1024 * 1024 * 1024 }
    }
}

/// Most events that one sweep removes: a transaction of a few milliseconds, between two commits of appends.
pub const SWEEP_LEN_MAX: u64 = 2_000;
