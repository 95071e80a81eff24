//! What is to be tried again, and when: by the clock that never jumps.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use fanfare_core::webhook::WebhookId;
use fanfare_core::webhook::retry::DELAY_MAX;
use tokio::time::Instant;

use crate::clock;
use crate::store;
use crate::store::Store;
use crate::store::webhooks::{DeliveryStatus, ReadDeliveries};

/// Most deliveries of one webhook that wait to be tried again. With more, its cursor stays where it is: the log keeps
/// them as well.
pub(super) const RETRIES_MAX: usize = 10_000;
/// How many are read from the store at once.
const PAGE_LEN: usize = 1_000;

/// The deliveries of one webhook that wait. The store has them whole.
#[derive(Debug, Default)]
pub(super) struct Retries {
    by_moment: BTreeSet<(Instant, u64)>,
    /// On their way now: what the store still has of them is not started a second time.
    flying: HashSet<u64>,
    /// The store had more than were read.
    is_partial: bool,
}

impl Retries {
    /// Reads what the store has, anew. A moment in the store is by the clock on the wall: what lies further ahead than any
    /// delay does was written before that was set back.
    pub(super) async fn load(&mut self, store: &dyn Store, webhook: &WebhookId) -> Result<(), store::Error> {
        self.by_moment.clear();
        self.is_partial = false;
        let (wall, now) = (clock::now(), Instant::now());
        let mut after = 0;
        loop {
            let read = ReadDeliveries { webhook: webhook.clone(), dead: Some(false), after, limit: PAGE_LEN };
            let page = store.deliveries(read).await?;
            for row in &page {
                if let DeliveryStatus::Waiting(at) = row.status {
                    let micros = u64::try_from(at.as_micros() - wall.as_micros()).unwrap_or(0);
                    self.add(row.event.position.seq, now + Duration::from_micros(micros).min(DELAY_MAX));
                }
            }
            match page.last() {
                Some(last) if self.by_moment.len() < RETRIES_MAX => after = last.event.position.seq,
                Some(_) => {
                    self.is_partial = true;
                    return Ok(());
                }
                None => return Ok(()),
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

    /// Says whether one is due.
    pub(super) fn is_due(&self) -> bool {
        self.next().is_some_and(|at| at <= Instant::now())
    }

    /// Takes one that is due, until it has [`landed`](Retries::landed).
    pub(super) fn take_due(&mut self) -> Option<u64> {
        if !self.is_due() {
            return None;
        }
        let (_, seq) = self.by_moment.pop_first()?;
        self.flying.insert(seq);
        Some(seq)
    }

    /// Says whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.by_moment.is_empty() && self.flying.is_empty()
    }

    /// Says whether it is time to read on: those that were read are nearly done, and the store had more.
    pub(super) fn are_more_stored(&self) -> bool {
        self.is_partial && self.by_moment.len() < RETRIES_MAX / 2
    }

    /// Says whether there are as many as may be.
    pub(super) fn is_full(&self) -> bool {
        self.by_moment.len() >= RETRIES_MAX
    }
}
