//! Retention: limits of age, number and size.

use std::ops::AddAssign;
use std::time::Duration;

/// The limits of retention: an event is removed when it is too old, or when there are too many or too large ones. The
/// data of deliveries has ages of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Maximum age; default 7 days.
    pub age: Duration,
    /// Maximum events; default 1,000,000.
    pub count: u64,
    /// Maximum bytes, counted by `Event::stored_len`, with the originals; default 1 GiB.
    pub bytes: u64,
    /// Number of the newest events of each channel that `count` and `bytes` spare; default 0, and at most
    /// [`FLOOR_MAX`](crate::floor::FLOOR_MAX). See [`floor`](crate::floor).
    pub floor: u64,
    /// Maximum age of an attempt; default 7 days. At most [`ATTEMPTS_MAX`] are kept.
    ///
    /// [`ATTEMPTS_MAX`]: crate::ATTEMPTS_MAX
    pub attempts: Duration,
    /// Maximum age of a delivery that failed; default 30 days.
    pub failed_deliveries: Duration,
    /// Maximum time for which a durable reader can be unused; default 30 days.
    pub readers: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            age: 7 * DAY,
            count: 1_000_000,
            bytes: 1024 * 1024 * 1024,
            floor: 0,
            attempts: 7 * DAY,
            failed_deliveries: 30 * DAY,
            readers: 30 * DAY,
        }
    }
}

/// What a sweep has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Events.
    pub events: u64,
    /// Failed deliveries.
    pub deliveries: u64,
    /// Attempts.
    pub attempts: u64,
    /// Durable readers.
    pub readers: u64,
    /// Whether there is more to remove.
    pub has_more: bool,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, other: Swept) {
        self.events += other.events;
        self.deliveries += other.deliveries;
        self.attempts += other.attempts;
        self.readers += other.readers;
        self.has_more |= other.has_more;
    }
}

/// Maximum events that one sweep removes: a transaction of a few milliseconds, between two commits of appends.
pub const SWEEP_LEN_MAX: u64 = 2_000;

/// Bytes of events after which a sweep removes no more, for the same reason.
pub const SWEEP_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Maximum number of deliveries, of attempts and of readers that one sweep removes: fewer, because each is
/// stored in several places.
pub const FORGET_LEN_MAX: u64 = 500;
