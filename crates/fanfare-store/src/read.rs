//! Reading a page of the log.

use std::sync::Arc;

use fanfare_core::{Event, Filter, Timestamp};

/// A page to be read: events with `after < seq <= until` that pass the filter and have not expired.
#[derive(Debug, Clone)]
pub struct Read {
    /// The range begins after this seq.
    pub after: u64,
    /// The range ends with this seq, or with the log's last when that is smaller.
    pub until: u64,
    /// Which events.
    pub filter: Filter,
    /// From which end.
    pub order: Order,
    /// Most events, at least 1; a page also ends at [`PAGE_BYTES_MAX`] and [`PAGE_SCAN_MAX`].
    pub limit: usize,
    /// Events that expired by then are left out.
    pub now: Timestamp,
}

/// From which end to read.
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
    /// The events, in the order asked for.
    pub events: Vec<Arc<Event>>,
    /// Where to go on: everything between the end that the reading started at and this seq (inclusive) was
    /// looked at; a page without events may have more behind it. Oldest first: the end of the range when that
    /// is done (`until`, or the log's last when that is smaller; `after` when the range is empty). Newest
    /// first: `after + 1` when it is done. The next page is `after: scanned`, or `until: scanned - 1`.
    pub scanned: u64,
    /// The oldest seq that was kept when the page was read: the same snapshot as `events`.
    pub first: u64,
}

/// Most bytes of events ([`Event::stored_len`]) in a page, the first event aside: what one reader may hold in
/// memory.
pub const PAGE_BYTES_MAX: u64 = 1024 * 1024;

/// Most events that one page looks at: about 20 ms of work, after which others get their turn.
pub const PAGE_SCAN_MAX: u64 = 20_000;
