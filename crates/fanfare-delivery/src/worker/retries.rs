//! The deliveries to retry, and when: by the clock that never jumps.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use fanfare_core::{Position, Timestamp, WebhookId};
use fanfare_webhook::retry::DELAY_MAX;
use tokio::time::Instant;

use crate::attempt::Job;
use crate::parts::Parts;
use fanfare_store as store;
use fanfare_store::webhooks::{BatchSpan, DeliveryRow, DeliveryStatus, ReadDeliveries};

/// Maximum deliveries of one webhook that wait for a retry. Beyond it, the cursor stays where it is: the log keeps the
/// events.
pub(super) const RETRIES_MAX: usize = 10_000;
/// Maximum deliveries that are read from the store at once.
const PAGE_LEN: usize = 1_000;

/// What is sent again in one request: an event, or the batch that it was first sent in. A batch stays the same if one of
/// its events is purged or discarded, even the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Parcel {
    first: Position,
    /// The seq of the last event.
    last: u64,
}

impl Parcel {
    fn new(event: Position, batch: Option<BatchSpan>) -> Parcel {
        let BatchSpan { first, last } = batch.unwrap_or(BatchSpan { first: event.seq, last: event.seq });
        Parcel { first: Position { seq: first, ..event }, last }
    }

    /// Returns the position of the first event, which the batch may no longer have.
    pub(super) fn first(self) -> Position {
        self.first
    }

    /// Returns the batch, if it is one.
    pub(super) fn batch(self) -> Option<BatchSpan> {
        let span = BatchSpan { first: self.first.seq, last: self.last };
        (span.first != span.last).then_some(span)
    }
}

impl From<&DeliveryRow> for Parcel {
    fn from(row: &DeliveryRow) -> Parcel {
        Parcel::new(row.event.position, row.batch)
    }
}

impl From<&Job> for Parcel {
    fn from(job: &Job) -> Parcel {
        Parcel::new(job.events[0].position, job.batch)
    }
}

/// The waiting deliveries of one webhook. The store has them in full.
#[derive(Debug, Default)]
pub(super) struct Retries {
    by_moment: BTreeSet<(Instant, Parcel)>,
    /// Whether the store has more than fit: they are read when these are done.
    has_more: bool,
    /// What is in flight, so that the rows that the store still has of it are not started a second time.
    flying: HashSet<Parcel>,
}

impl Retries {
    /// Reloads the deliveries from the store. A time in the store is by the steady clock of the process that wrote it.
    /// If the wall clock was set back before this process started, its steady clock started behind: no delay was
    /// counted from before the `last_failure`.
    pub(super) async fn load(
        &mut self,
        parts: &Parts,
        webhook: &WebhookId,
        last_failure: Option<Timestamp>,
    ) -> Result<(), store::Error> {
        self.by_moment.clear();
        self.has_more = false;
        let steady = parts.now();
        let (steady, now) = (last_failure.map_or(steady, |last| steady.max(last)), Instant::now());
        let (mut after, mut batches) = (None, HashSet::new());
        loop {
            let read =
                ReadDeliveries { webhook: webhook.clone(), failed: Some(false), after, limit: PAGE_LEN };
            let page = parts.ledger.deliveries(read).await?;
            for row in &page {
                let parcel = Parcel::from(row);
                // The first of a batch that still waits says when.
                if row.batch.is_some() && !batches.insert(parcel) {
                    continue;
                }
                if let DeliveryStatus::Waiting(at) = row.status {
                    let micros = u64::try_from(at.as_micros() - steady.as_micros()).unwrap_or(0);
                    self.add(parcel, now + Duration::from_micros(micros).min(DELAY_MAX));
                }
            }
            match page.last() {
                None => return Ok(()),
                Some(last) if self.by_moment.len() < RETRIES_MAX => after = Some(last.event.position),
                Some(_) => {
                    self.has_more = true;
                    return Ok(());
                }
            }
        }
    }

    /// Adds what waits.
    pub(super) fn add(&mut self, parcel: Parcel, at: Instant) {
        if !self.flying.contains(&parcel) {
            self.by_moment.insert((at, parcel));
        }
    }

    /// Records that the attempt at a parcel has ended.
    pub(super) fn landed(&mut self, parcel: Parcel) {
        self.flying.remove(&parcel);
    }

    /// Returns the time at which the next is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.by_moment.first().map(|(at, _)| *at)
    }

    /// Takes what is due at `now`, until it has [`landed`](Retries::landed).
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Parcel> {
        if self.next().is_none_or(|at| at > now) {
            return None;
        }
        let (_, parcel) = self.by_moment.pop_first()?;
        self.flying.insert(parcel);
        Some(parcel)
    }

    /// Returns `true` if no delivery waits or is in flight.
    pub(super) fn is_empty(&self) -> bool {
        !self.are_waiting() && self.flying.is_empty()
    }

    /// Returns `true` if some deliveries wait.
    pub(super) fn are_waiting(&self) -> bool {
        self.has_more || !self.by_moment.is_empty()
    }

    /// Returns `true` if the store has some that should be read now.
    pub(super) fn are_lacking(&self) -> bool {
        self.has_more && self.by_moment.is_empty()
    }

    /// Returns `true` if the maximum number of deliveries is reached.
    pub(super) fn is_full(&self) -> bool {
        self.by_moment.len() >= RETRIES_MAX
    }
}
