//! The deliveries to retry, and when: by the clock that never jumps.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use fanfare_core::{Position, Timestamp, WebhookId};
use fanfare_webhook::retry::DELAY_MAX;
use tokio::time::Instant;

use crate::parts::Parts;
use fanfare_store as store;
use fanfare_store::webhooks::{DeliveryStatus, ReadDeliveries};

/// Maximum deliveries of one webhook that wait for a retry. Beyond it, the cursor stays where it is: the log keeps the
/// events.
pub(super) const RETRIES_MAX: usize = 10_000;
/// Maximum deliveries that are read from the store at once.
const PAGE_LEN: usize = 1_000;

/// The waiting deliveries of one webhook. The store has them in full.
#[derive(Debug, Default)]
pub(super) struct Retries {
    by_moment: BTreeSet<(Instant, Position)>,
    /// Whether the store has more than fit: they are read when these are done.
    has_more: bool,
    /// The deliveries in flight, so that the rows that the store still has of them are not started a second time.
    flying: HashSet<Position>,
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
                // The first of a batch that still waits stands for the others.
                let epoch = row.event.position.epoch;
                if row.batch.is_some_and(|batch| !batches.insert((epoch, batch))) {
                    continue;
                }
                if let DeliveryStatus::Waiting(at) = row.status {
                    let micros = u64::try_from(at.as_micros() - steady.as_micros()).unwrap_or(0);
                    self.add(row.event.position, now + Duration::from_micros(micros).min(DELAY_MAX));
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

    /// Adds a delivery.
    pub(super) fn add(&mut self, event: Position, at: Instant) {
        if !self.flying.contains(&event) {
            self.by_moment.insert((at, event));
        }
    }

    /// Records that a taken delivery is no longer in flight.
    pub(super) fn landed(&mut self, event: Position) {
        self.flying.remove(&event);
    }

    /// Returns the time at which the next delivery is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.by_moment.first().map(|(at, _)| *at)
    }

    /// Takes a delivery that is due at `now`, until it has [`landed`](Retries::landed).
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Position> {
        if self.next().is_none_or(|at| at > now) {
            return None;
        }
        let (_, event) = self.by_moment.pop_first()?;
        self.flying.insert(event);
        Some(event)
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
