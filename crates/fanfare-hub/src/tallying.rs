//! Counting events over time.

use std::time::Duration;

use fanfare_core::{Caller, Event, EventType, Principal, Timestamp};

use crate::Hub;
use fanfare_store as store;
use fanfare_store::{Order, Read};

/// Maximum pages of the store that one count reads: at most 64 MiB of events, or 1.3 million of which few are wanted;
/// about a second of work beside that of others.
const PAGES_MAX: usize = 64;

/// Maximum events of a page. The bytes of a page are limited as well, and most pages end there.
const PAGE_LEN_MAX: usize = 20_000;

/// The part of the time in which events are counted, cut into buckets of one width.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The start of the first bucket.
    start: Timestamp,
    /// The width of each bucket; at least a microsecond.
    width: Duration,
    /// Number of buckets; at least 1.
    len: usize,
}

/// The number of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub events: u64,
    /// Those of the type `warning`.
    pub warnings: u64,
    /// Those of the type `error`.
    pub errors: u64,
}

/// The events of a selection, counted.
#[derive(Debug)]
pub struct Tally {
    /// The counts of each bucket, oldest first.
    pub buckets: Vec<Counts>,
    /// If not all events were counted: the time of the oldest one that was looked at; the start of the span if none was.
    pub counted_since: Option<Timestamp>,
}

impl Span {
    /// Creates the span of whole buckets that has the time from `since` to `until`.
    pub fn new(since: Timestamp, until: Timestamp, width: Duration) -> Span {
        let micros = i64::try_from(width.as_micros()).unwrap_or(i64::MAX).max(1);
        let first = since.as_micros().div_euclid(micros);
        let last = until.as_micros().div_euclid(micros).max(first);
        let len = usize::try_from(last - first).unwrap_or(usize::MAX).saturating_add(1);
        Span {
            start: Timestamp::from_micros(first.saturating_mul(micros)),
            width: Duration::from_micros(micros.unsigned_abs()),
            len,
        }
    }

    /// Returns the number of buckets.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns `false`: a span has a bucket.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Returns the start of each bucket.
    pub fn starts(self) -> impl Iterator<Item = Timestamp> {
        (0..self.len).map(move |index| {
            self.start.after(self.width.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX)))
        })
    }

    /// Returns the bucket of an event; the first or last one if the machine's clock was set and the event is outside.
    fn index(&self, at: Timestamp) -> usize {
        let after = u128::from(at.as_micros().saturating_sub(self.start.as_micros()).max(0).unsigned_abs());
        usize::try_from(after / self.width.as_micros()).unwrap_or(usize::MAX).min(self.len - 1)
    }
}

impl Counts {
    /// Adds other counts.
    pub fn add(&mut self, other: Counts) {
        self.events += other.events;
        self.warnings += other.warnings;
        self.errors += other.errors;
    }

    fn note(&mut self, event: &Event) {
        self.events += 1;
        match event.event_type {
            EventType::Error => self.errors += 1,
            EventType::Warning => self.warnings += 1,
            EventType::Info | EventType::Success | EventType::Other(_) => {}
        }
    }
}

impl Hub {
    /// Counts the events of `read` over `span`, from the newest on, until the range ends or the limit on pages is reached.
    /// `caller` has few such reads at a time.
    pub async fn tally(
        &self,
        by: &Principal,
        caller: &Caller,
        mut read: Read,
        span: Span,
    ) -> Result<Tally, store::Error> {
        let _place = self.bulk().place(caller).await;
        let mut buckets = vec![Counts::default(); span.len()];
        let mut oldest = span.starts().last().unwrap_or(span.start);
        (read.order, read.limit) = (Order::Newest, PAGE_LEN_MAX);
        for _ in 0..PAGES_MAX {
            if read.after >= read.until || self.is_closing() {
                break;
            }
            let page = self.history(by, read.clone()).await?;
            for event in &page.events {
                buckets[span.index(event.timestamp)].note(event);
            }
            oldest = page.events.last().map_or(oldest, |event| event.timestamp);
            read.until = page.scanned.saturating_sub(1);
            // An engine that has everything at hand never waits.
            tokio::task::yield_now().await;
        }
        let counted_since = (read.after < read.until).then_some(oldest);
        Ok(Tally { buckets, counted_since })
    }

    /// Returns the time of the oldest event in the log; `None` if there is none that can be read.
    pub async fn oldest_timestamp(&self, _by: &Principal) -> Result<Option<Timestamp>, store::Error> {
        Ok(self.oldest().await?.map(|event| event.timestamp))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fanfare_core::Timestamp;

    use super::Span;

    #[test]
    fn a_span_has_whole_buckets_and_a_place_for_every_time() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let span = Span::new(at(61), at(180), Duration::from_secs(60));
        assert_eq!(span.starts().collect::<Vec<_>>(), [at(60), at(120), at(180)]);
        assert_eq!([0, 60, 119, 120, 999].map(|seconds| span.index(at(seconds))), [0, 0, 0, 1, 2]);
        assert_eq!(Span::new(at(100), at(50), Duration::from_secs(60)).len(), 1);
    }
}
