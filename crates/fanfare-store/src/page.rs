//! Collecting a page within its limits, for every engine.

use std::sync::Arc;

use fanfare_core::Event;
use fanfare_core::notice::GapReason;

use crate::read::{Gone, Order, PAGE_BYTES_MAX, PAGE_SCAN_MAX, Page, Read, Removed};

/// A page that is being read.
#[derive(Debug, Clone)]
pub struct Collector {
    events: Vec<Arc<Event>>,
    bytes: u64,
    limit: usize,
    looked_at: u64,
    order: Order,
    scanned: u64,
    removed: Option<Removed>,
    told: u64,
    /// The first event that the page has, with its content or without.
    hit: Option<u64>,
    gone: Option<Gone>,
    range: Range,
}

/// The rest of the requested range, cut to the log: `low..=high`, empty if `low` is past `high`.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    pub low: u64,
    pub high: u64,
    /// The place where reading ends if everything was examined; differs from `low` and `high` where retention cut.
    done: u64,
}

impl Range {
    /// Cuts the range of `read` to `oldest..=last`.
    pub fn new(read: &Read, oldest: u64, last: u64) -> Range {
        let high = read.until.min(last);
        let low = read.after.saturating_add(1).max(oldest);
        let done = match read.order {
            Order::Newest => read.after.saturating_add(1),
            Order::Oldest => high.max(read.after),
        };
        Range { low, high, done }
    }

    /// Returns the part of it from `first` on.
    pub fn from(self, first: u64) -> Range {
        Range { low: self.low.max(first), ..self }
    }

    /// Returns whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.low > self.high
    }
}

impl Collector {
    /// Starts a page of `range`, in a log of which retention has removed `told` events.
    pub fn new(read: &Read, range: Range, told: u64) -> Collector {
        let start = match read.order {
            Order::Newest => range.high.saturating_add(1),
            Order::Oldest => range.low.saturating_sub(1).max(read.after),
        };
        Collector {
            events: Vec::new(),
            bytes: 0,
            limit: read.limit.max(1),
            looked_at: 0,
            order: read.order,
            scanned: start,
            removed: None,
            told,
            hit: None,
            gone: None,
            range,
        }
    }

    /// Records that one more event, or an entry of an index, is examined. Returns `false` if the page may not examine
    /// any more: then the reading ends with [`Collector::stop`].
    pub fn look(&mut self) -> bool {
        self.looked_at += 1;
        self.looked_at <= PAGE_SCAN_MAX && self.events.len() < self.limit
    }

    /// Records that the content of an event was searched, which has `len` bytes: 4 KiB of it count as one more event, so
    /// that a page searches 80 MiB at most.
    pub fn search(&mut self, len: u64) {
        self.looked_at += len / 4_096;
    }

    /// Records which events that the read selects were removed by retention, `told` of all with them.
    pub fn note_removed(&mut self, removed: Option<Removed>, told: u64) {
        (self.removed, self.told) = (removed, told);
    }

    /// Records that the event at `seq` has no content. Returns `false` if the page has to end before it: a run
    /// of such events is a separate page.
    pub fn lose(&mut self, seq: u64, reason: GapReason) -> bool {
        match &mut self.gone {
            None if !self.events.is_empty() => return false,
            None => self.gone = Some(Gone { reason, count: 1 }),
            Some(gone) if gone.reason != reason => return false,
            Some(gone) => gone.count += 1,
        }
        self.hit.get_or_insert(seq);
        self.pass(seq);
        true
    }

    /// Records that everything from the start of the range to `seq` was examined.
    pub fn pass(&mut self, seq: u64) {
        self.scanned = match self.order {
            Order::Newest => self.scanned.min(seq),
            Order::Oldest => self.scanned.max(seq),
        };
    }

    /// Adds an event that matches. Returns `false` if it does not fit, or if the page is a run of events
    /// without content; the next page starts with it.
    pub fn take(&mut self, event: Arc<Event>) -> bool {
        let len = event.stored_len();
        if self.gone.is_some() || (!self.events.is_empty() && self.bytes + len > PAGE_BYTES_MAX) {
            return false;
        }
        self.bytes += len;
        self.hit.get_or_insert(event.position.seq);
        self.pass(event.position.seq);
        self.events.push(event);
        true
    }

    /// Ends a page before the end of its range.
    pub fn stop(self, first: u64) -> Page {
        let scanned = self.scanned;
        self.end(first, scanned)
    }

    /// Ends a page with its range.
    pub fn finish(mut self, first: u64) -> Page {
        self.scanned = self.range.done;
        self.end(first, u64::MAX)
    }

    /// Ends a page that found nothing up to `clear`, unless it has something.
    fn end(self, first: u64, clear: u64) -> Page {
        let Collector { events, scanned, told, gone, .. } = self;
        let clear = self.hit.map_or(clear, |seq| seq - 1);
        let removed = self.removed.map(|removed| Removed { up_to: removed.up_to.min(clear), ..removed });
        Page { events, scanned, first, removed, told, gone }
    }
}

/// Rows of one kind that are being read, within the bounds of a page.
#[derive(Debug)]
pub struct Rows<T> {
    rows: Vec<T>,
    bytes: u64,
    limit: usize,
}

impl<T> Rows<T> {
    pub fn new(limit: usize) -> Rows<T> {
        Rows { rows: Vec::new(), bytes: 0, limit: limit.max(1) }
    }

    /// Adds a row with this many bytes in its long parts. Returns whether another may fit; one that does not is left
    /// for the next page.
    pub fn take(&mut self, row: T, len: usize) -> bool {
        self.bytes += len as u64;
        if !self.rows.is_empty() && self.bytes > PAGE_BYTES_MAX {
            return false;
        }
        self.rows.push(row);
        self.rows.len() < self.limit
    }

    pub fn finish(self) -> Vec<T> {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::Filter;

    use super::{Collector, Range};
    use crate::read::{Order, PAGE_SCAN_MAX, Read};

    #[test]
    fn a_page_searches_a_bounded_number_of_bytes_and_at_least_one_event() {
        let epoch = "aaaaaaaa".parse().expect("an epoch");
        let filter = Filter::all();
        let read = Read { epoch, after: 0, until: 9, filter, order: Order::Oldest, limit: 9, told: 0 };
        let mut page = Collector::new(&read, Range::new(&read, 1, 9), 0);
        assert!(page.look());
        page.search(4_096 * (PAGE_SCAN_MAX - 2));
        assert!(page.look(), "one more event is examined");
        page.search(4_096);
        assert!(!page.look());
    }
}
