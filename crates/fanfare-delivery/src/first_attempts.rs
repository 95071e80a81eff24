//! First attempts: a pusher can wait until every webhook was tried once.
//!
//! The log does not know about this, and nothing waits for the pusher: without one, the cost is a look at one number.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fanfare_core::{Epoch, Position, WebhookId};
use tokio::sync::Notify;

/// The time that a pusher waits unless it says otherwise: as long as an attempt may take.
pub const WAIT_DEFAULT: Duration = Duration::from_secs(10);
/// Maximum events whose first attempts are counted; beyond it, the pushers of the oldest events wait until their time
/// runs out.
const EVENTS_MAX: usize = 65_536;

/// Counts first attempts while a pusher waits for them.
#[derive(Debug, Default)]
pub struct FirstAttempts {
    /// The number of pushers that wait.
    waiting: AtomicUsize,
    /// Guards the counts; held for a look or a change.
    counts: Mutex<Counts>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    /// The seq from which each pusher waits, and the number of pushers for each seq.
    from: BTreeMap<u64, usize>,
    /// By seq, the webhooks that were tried with each event, and whether they responded with 2xx. After the log
    /// is replaced, two events can have the same seq.
    events: BTreeMap<u64, HashMap<(Epoch, WebhookId), bool>>,
}

impl FirstAttempts {
    /// Starts counting the first attempts of events after `seq`; must be called before the events in question are
    /// appended.
    pub fn expect(&self, seq: u64) -> Expected<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        *self.counts().from.entry(seq + 1).or_default() += 1;
        Expected { attempts: self, from: seq + 1 }
    }

    /// Records how a first attempt ended.
    pub fn report(&self, webhook: &WebhookId, events: impl IntoIterator<Item = Position>, delivered: bool) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        {
            let mut counts = self.counts();
            let Some((&from, _)) = counts.from.first_key_value() else { return };
            for event in events.into_iter().filter(|event| event.seq >= from) {
                let webhooks = counts.events.entry(event.seq).or_default();
                webhooks.entry((event.epoch, webhook.clone())).or_insert(delivered);
            }
            while counts.events.len() > EVENTS_MAX {
                counts.events.pop_first();
            }
        }
        self.changed.notify_waiters();
    }

    /// Records that a webhook is on hold: pushers should not wait for it, so those that wait check again.
    pub fn recount(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // A panic could only leave behind a count that is too small.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to wait for first attempts.
#[derive(Debug)]
pub struct Expected<'a> {
    attempts: &'a FirstAttempts,
    from: u64,
}

impl Expected<'_> {
    /// Waits until each webhook of `wanted` was tried with its event, or until `enough`; returns how many
    /// responded with 2xx. Does not wait for a webhook once `is_sent` returns `false` for it.
    pub async fn wait(
        self,
        wanted: &[(WebhookId, Position)],
        is_sent: impl Fn(&WebhookId) -> bool,
        enough: impl Future<Output = ()>,
    ) -> usize {
        let all_tried = async {
            // All of them have to be tried, so one that was not is reason enough to wait: each is passed once.
            let mut left = wanted;
            loop {
                let changed = self.attempts.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                while let [one, others @ ..] = left {
                    if self.tried(one).is_none() && is_sent(&one.0) {
                        break;
                    }
                    left = others;
                }
                if left.is_empty() {
                    return;
                }
                changed.await;
            }
        };
        // In the second case, the result is what is known by then.
        tokio::select! {
            () = all_tried => {}
            () = enough => {}
        }
        wanted.iter().filter(|one| self.tried(one) == Some(true)).count()
    }

    /// Returns how the first attempt ended, if it has ended.
    fn tried(&self, (webhook, event): &(WebhookId, Position)) -> Option<bool> {
        self.attempts.counts().events.get(&event.seq)?.get(&(event.epoch, webhook.clone())).copied()
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.attempts.waiting.fetch_sub(1, Ordering::SeqCst);
        let mut counts = self.attempts.counts();
        if let Some(pushers) = counts.from.get_mut(&self.from) {
            *pushers -= 1;
            if *pushers == 0 {
                counts.from.remove(&self.from);
            }
        }
        match counts.from.first_key_value().map(|(from, _)| *from) {
            Some(from) => counts.events = counts.events.split_off(&from),
            None => counts.events.clear(),
        }
    }
}
