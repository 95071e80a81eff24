//! Reading a page of the log.

use std::sync::Arc;

use fanfare_core::notice::GapReason;
use fanfare_core::{Epoch, Event, Filter, Position};

/// A page to be read: events with `after < seq <= until` that pass the filter and have not expired.
#[derive(Debug, Clone)]
pub struct Read {
    /// The epoch of the log to read.
    pub epoch: Epoch,
    /// The range starts after this seq.
    pub after: u64,
    /// The range ends with this seq, or with the log's last when that is smaller.
    pub until: u64,
    /// The filter of events.
    pub filter: Filter,
    /// The end to read from.
    pub order: Order,
    /// Maximum events, at least 1; a page also ends at [`PAGE_BYTES_MAX`] and [`PAGE_SCAN_MAX`].
    pub limit: usize,
    /// [`Page::told`] of the page before, so that what was removed by then is not reported again; 0 to be told of all.
    pub told: u64,
}

impl Read {
    /// Returns the position after which the range starts.
    pub fn start(&self) -> Position {
        Position { epoch: self.epoch, seq: self.after }
    }
}

/// The end to read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

/// A page that was read.
#[derive(Debug, Clone)]
pub struct Page {
    /// The events, in the requested order.
    pub events: Vec<Arc<Event>>,
    /// The place to continue: everything between the starting end and this seq (inclusive) was examined; a page without
    /// events can have more behind it. Oldest first: the end of the range once it is finished (`until`, or the log's
    /// last if that is smaller; `after` if the range is empty). Newest first: `after + 1` once it is finished. The next
    /// page is `after: scanned`, or `until: scanned - 1`.
    pub scanned: u64,
    /// The seq from which on the log had no holes when the page was read: the same snapshot as `events`.
    pub first: u64,
    /// The events between `after` and `first` that the read selects and retention removed; only if the oldest
    /// come first.
    pub removed: Option<Removed>,
    /// How many events of the log retention had removed when the page was read ([`Head::removed`](crate::Head::removed)).
    pub told: u64,
    /// The events in the log that have no content. If there are any, the page has no `events`: it is the run of
    /// them between the starting end and `scanned`, all for the same reason.
    pub gone: Option<Gone>,
}

/// The events that a read selects and retention removed. Their texts can no longer be searched, so every event
/// that matches the rest of the filter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// The last seq of these events, or the place before the next one that is [spared](crate::floor), if that is earlier:
    /// a reader that is told of them continues after this place.
    pub up_to: u64,
    /// Maximum number of them; at least 1.
    pub count: u64,
}

/// Events without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Why: they are damaged, or were purged.
    pub reason: GapReason,
    /// Number of them; at least 1.
    pub count: u64,
}

/// Maximum bytes of events ([`Event::stored_len`]) in a page, not counting the first event: the memory of one read.
pub const PAGE_BYTES_MAX: u64 = 1024 * 1024;

/// Maximum events that one page examines: about 20 ms of work, after which other reads get their turn.
pub const PAGE_SCAN_MAX: u64 = 20_000;
