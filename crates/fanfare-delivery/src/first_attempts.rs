//! First attempts: a pusher may wait until every webhook was tried once.
//!
//! The log knows nothing of it, and nobody waits for the pusher: what is not asked for costs a look at one number.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fanfare_core::WebhookId;
use tokio::sync::Notify;

/// How long a pusher waits at most: as long as an attempt may take.
pub const WAIT_MAX: Duration = Duration::from_secs(10);
/// Most events of which first attempts are counted; when there are more, the pushers of the oldest wait in vain until
/// their time is over.
const EVENTS_MAX: usize = 65_536;

/// Counts first attempts while somebody wants to know.
#[derive(Debug, Default)]
pub struct FirstAttempts {
    /// How many pushers want to know.
    waiting: AtomicUsize,
    /// Guards the counts; held for a look or a change.
    counts: Mutex<Counts>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    /// From which seq on each pusher wants to know, and how many do.
    from: BTreeMap<u64, usize>,
    /// Who was tried with each event, and whether they answered with 2xx.
    events: BTreeMap<u64, HashMap<WebhookId, bool>>,
}

impl FirstAttempts {
    /// Begins to count what comes after `seq`; before that is appended which is to be counted.
    pub fn expect(&self, seq: u64) -> Expected<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        *self.counts().from.entry(seq + 1).or_default() += 1;
        Expected { attempts: self, from: seq + 1 }
    }

    /// Notes how a first attempt ended.
    pub fn report(&self, webhook: &WebhookId, seqs: impl IntoIterator<Item = u64>, delivered: bool) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        {
            let mut counts = self.counts();
            let Some((&from, _)) = counts.from.first_key_value() else { return };
            for seq in seqs.into_iter().filter(|seq| *seq >= from) {
                counts.events.entry(seq).or_default().entry(webhook.clone()).or_insert(delivered);
            }
            while counts.events.len() > EVENTS_MAX {
                counts.events.pop_first();
            }
        }
        self.changed.notify_waiters();
    }

    /// Notes that a webhook is sent nothing for now: nobody should wait for it, and whoever does asks again.
    pub fn recount(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // What a panic could leave behind is a count that is too small.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to ask how first attempts went.
#[derive(Debug)]
pub struct Expected<'a> {
    attempts: &'a FirstAttempts,
    from: u64,
}

impl Expected<'_> {
    /// Waits until each webhook of `wanted` was tried with its event, or for [`WAIT_MAX`]; gives how many answered with
    /// 2xx. One of which `is_sent` says no meanwhile is not waited for.
    pub async fn wait(self, wanted: &[(WebhookId, u64)], is_sent: impl Fn(&WebhookId) -> bool) -> usize {
        let all_tried = async {
            // All of them have to be tried, so one that is not is reason enough to wait: each is passed once.
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
        // When the time is over, what is known by then counts.
        let _ = tokio::time::timeout(WAIT_MAX, all_tried).await;
        wanted.iter().filter(|one| self.tried(one) == Some(true)).count()
    }

    /// Says how the first attempt went, if it has ended.
    fn tried(&self, (webhook, seq): &(WebhookId, u64)) -> Option<bool> {
        self.attempts.counts().events.get(seq)?.get(webhook).copied()
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
