//! What is to be tried again, and when: by the clock that never jumps.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use fanfare_core::Timestamp;
use fanfare_core::WebhookId;
use fanfare_webhook::retry::DELAY_MAX;
use tokio::time::Instant;

use crate::parts::Parts;
use fanfare_store as store;
use fanfare_store::webhooks::{DeliveryStatus, ReadDeliveries};

/// Most deliveries of one webhook that wait to be tried again. With more, its cursor stays where it is: the log keeps
/// them as well.
pub(super) const RETRIES_MAX: usize = 10_000;
/// How many are read from the store at once.
const PAGE_LEN: usize = 1_000;

/// The deliveries of one webhook that wait. The store has them whole.
#[derive(Debug, Default)]
pub(super) struct Retries {
    by_moment: BTreeSet<(Instant, u64)>,
    /// The store has more than fit: they are read when these are done.
    has_more: bool,
    /// On their way now: what the store still has of them is not started a second time.
    flying: HashSet<u64>,
}

impl Retries {
    /// Reads what the store has, anew. A moment in the store is by the steady clock of the process that wrote it. When
    /// the clock on the wall was set back before this one started, that began behind: no delay was counted from before
    /// the `last_failure`.
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
        let (mut after, mut batches) = (0, HashSet::new());
        loop {
            let read = ReadDeliveries { webhook: webhook.clone(), dead: Some(false), after, limit: PAGE_LEN };
            let page = parts.ledger.deliveries(read).await?;
            for row in &page {
                // The first of a batch that still waits stands for the others.
                if row.batch.is_some_and(|batch| !batches.insert(batch)) {
                    continue;
                }
                if let DeliveryStatus::Waiting(at) = row.status {
                    let micros = u64::try_from(at.as_micros() - steady.as_micros()).unwrap_or(0);
                    self.add(row.event.position.seq, now + Duration::from_micros(micros).min(DELAY_MAX));
                }
            }
            match page.last() {
                None => return Ok(()),
                Some(last) if self.by_moment.len() < RETRIES_MAX => after = last.event.position.seq,
                Some(_) => {
                    self.has_more = true;
                    return Ok(());
                }
            }
        }
    }

    /// Adds a delivery.
    pub(super) fn add(&mut self, seq: u64, at: Instant) {
        if !self.flying.contains(&seq) {
            self.by_moment.insert((at, seq));
        }
    }

    /// Notes that one that was taken is no longer on its way.
    pub(super) fn landed(&mut self, seq: u64) {
        self.flying.remove(&seq);
    }

    /// Gives when the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.by_moment.first().map(|(at, _)| *at)
    }

    /// Takes one that is due at `now`, until it has [`landed`](Retries::landed).
    pub(super) fn take_due(&mut self, now: Instant) -> Option<u64> {
        if self.next().is_none_or(|at| at > now) {
            return None;
        }
        let (_, seq) = self.by_moment.pop_first()?;
        self.flying.insert(seq);
        Some(seq)
    }

    /// Says whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        !self.are_waiting() && self.flying.is_empty()
    }

    /// Says whether some wait.
    pub(super) fn are_waiting(&self) -> bool {
        self.has_more || !self.by_moment.is_empty()
    }

    /// Says whether the store has some that are to be read now.
    pub(super) fn are_lacking(&self) -> bool {
        self.has_more && self.by_moment.is_empty()
    }

    /// Says whether there are as many as may be.
    pub(super) fn is_full(&self) -> bool {
        self.by_moment.len() >= RETRIES_MAX
    }
}
