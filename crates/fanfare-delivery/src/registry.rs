//! The registry: the registered webhooks. Its content is durable; workers are notified of its changes.

mod table;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_core::wire::payload::Payload;
use fanfare_core::{Event, Owner, Position, Timestamp, WebhookId, WebhookName};
use fanfare_webhook::url::TargetHost;
use tokio::sync::watch;

use crate::attempt::Attempt;
use crate::cursor::Cursor;
use crate::health::Health;
use crate::registry::table::Table;
use crate::sender::Sender;
use crate::state::State;
use crate::tally::Tally;
use crate::webhook::{Damaged, Webhook};
use fanfare_store::Lease;
use fanfare_store::webhooks::WebhookRow;

/// Maximum attempts, delivered or not, in memory for each webhook; the store keeps the failed ones for days.
pub const RECENT_MAX: usize = 50;
/// Maximum attempts in memory for all webhooks together; of more webhooks, each keeps its last one. An attempt usually
/// takes less than 1 KiB, and at most 33 KiB with the kept parts of its body and response.
const RECENT_OF_ALL_MAX: usize = 10_000;

/// The registered webhooks.
#[derive(Debug)]
pub struct Registry {
    /// Guards the table; held for one look-up, change or copy.
    table: Mutex<Table>,
    /// The number of changes of the table.
    version: watch::Sender<u64>,
    /// The number of attempts that each webhook keeps in memory at present.
    recent_max: Arc<AtomicUsize>,
}

/// A webhook, shared by its worker and everything that looks at it.
#[derive(Debug)]
pub struct Entry {
    /// The definition; changes when the owner changes it.
    pub definition: watch::Sender<Arc<Webhook>>,
    /// The health.
    health: Mutex<Health>,
    /// The position.
    pub cursor: Cursor,
    /// The latest attempts.
    pub(super) recent: Mutex<VecDeque<Arc<Attempt>>>,
    /// The same as in [`Registry`].
    recent_max: Arc<AtomicUsize>,
    /// The tally of attempts; created with the first one.
    tally: Mutex<Option<Box<Tally>>>,
    /// Whether the webhook is paused or its breaker is open, so that no one should wait for it.
    is_held: AtomicBool,
    /// The time at which the breaker lets an attempt through, in microseconds since 1970; 0 while it is closed.
    held_until: AtomicI64,
    /// Whether the webhook was removed and nothing more is sent.
    is_removed: AtomicBool,
    /// The instance that sends the webhook.
    pub(super) sender: Sender,
    /// The number of changes that the worker has to look at: a change of health by hand, or deliveries to replay.
    pub nudges: watch::Sender<u64>,
}

impl Entry {
    fn new(webhook: Webhook, row: &WebhookRow, recent_max: &Arc<AtomicUsize>) -> Entry {
        let health = Health::from_stored(&row.state);
        Entry {
            definition: watch::Sender::new(Arc::new(webhook)),
            is_held: health.is_paused().into(),
            is_removed: false.into(),
            sender: Sender::default(),
            health: Mutex::new(health),
            cursor: Cursor::new(row.cursor),
            recent: Mutex::new(VecDeque::new()),
            recent_max: Arc::clone(recent_max),
            tally: Mutex::new(None),
            held_until: 0.into(),
            nudges: watch::Sender::new(0),
        }
    }

    /// Returns the definition.
    pub fn webhook(&self) -> Arc<Webhook> {
        Arc::clone(&self.definition.borrow())
    }

    /// Returns the health.
    pub fn health(&self) -> Health {
        self.lock_health().clone()
    }

    /// Returns the state.
    pub fn state(&self) -> State {
        State::of(&self.lock_health(), self.is_held())
    }

    /// Returns `true` if the webhook is paused: nothing is sent until someone resumes it.
    pub fn is_paused(&self) -> bool {
        self.lock_health().is_paused()
    }

    /// Returns `true` if the webhook was removed.
    pub fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Acquire)
    }

    /// Continues where another instance stopped.
    pub(super) fn continue_from(&self, row: &WebhookRow) {
        self.cursor.restart(row.cursor);
        *self.lock_health() = Health::from_stored(&row.state);
        self.set_held(self.is_paused());
    }

    /// Changes the health, or only looks at it, and returns what `change` returns.
    pub fn change_health<T>(&self, change: impl FnOnce(&mut Health) -> T) -> T {
        change(&mut self.lock_health())
    }

    fn lock_health(&self) -> MutexGuard<'_, Health> {
        // A change is a few assignments, which do not panic.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an attempt for people to look at, unless `is_purged` says that an event of it was purged since.
    pub fn remember(&self, attempt: Arc<Attempt>, is_purged: impl FnOnce() -> bool) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        // A purge that begins after this look finds the attempt.
        if is_purged() {
            return;
        }
        if !attempt.sent.is_by_hand() {
            self.lock_tally().get_or_insert_default().count(attempt.at, attempt.is_delivered());
        }
        let excess = (recent.len() + 1).saturating_sub(self.recent_max.load(Ordering::Relaxed));
        recent.drain(..excess);
        recent.push_back(attempt);
    }

    /// Returns the latest attempts, newest first.
    pub fn recent(&self) -> Vec<Arc<Attempt>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }

    /// Calls `look` with the tally of attempts, except those made by hand; `None` before the first one.
    pub fn look_at_tally<T>(&self, look: impl FnOnce(&Tally) -> T) -> Option<T> {
        self.lock_tally().as_deref().map(look)
    }

    fn lock_tally(&self) -> MutexGuard<'_, Option<Box<Tally>>> {
        // After a panic a count may be one short, but is still a count.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the time at which the breaker lets an attempt through, by the wall clock.
    pub fn set_held_until(&self, until: Option<Timestamp>) {
        self.held_until.store(until.map_or(0, Timestamp::as_micros), Ordering::Relaxed);
    }

    /// Returns the time at which the breaker lets an attempt through, while it is open.
    pub fn held_until(&self) -> Option<Timestamp> {
        let micros = self.held_until.load(Ordering::Relaxed);
        (micros != 0).then(|| Timestamp::from_micros(micros))
    }

    /// Sets whether the webhook is on hold; returns whether that changed.
    pub fn set_held(&self, is_held: bool) -> bool {
        self.is_held.swap(is_held, Ordering::AcqRel) != is_held
    }

    /// Returns `true` if the webhook is on hold: nothing is sent at the moment.
    pub fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    /// Makes the worker look again.
    pub fn nudge(&self) {
        self.nudges.send_modify(|count| *count += 1);
    }

    /// Returns `true` if `event` is for this webhook.
    pub fn wants(&self, event: &Event) -> bool {
        self.definition.borrow().options.wants(event)
    }
}

impl Registry {
    /// Creates the registry from stored rows. A row that cannot be read is an error; it is not dropped.
    pub fn new(rows: Vec<WebhookRow>) -> Result<Registry, Damaged> {
        let recent_max = Arc::new(AtomicUsize::new(recent_max(rows.len())));
        let mut table = Table::default();
        for row in rows {
            let entry = Entry::new(Webhook::from_row(&row)?, &row, &recent_max);
            table.insert(Arc::new(entry));
        }
        Ok(Registry { table: Mutex::new(table), version: watch::Sender::new(0), recent_max })
    }

    /// Adds a webhook that the store has accepted, or replaces its definition.
    pub fn put(&self, webhook: Webhook, row: &WebhookRow) -> Arc<Entry> {
        let mut table = self.table();
        if let Some(entry) = table.entries.get(&webhook.id).cloned() {
            let after = Arc::new(webhook);
            let before = entry.definition.send_replace(Arc::clone(&after));
            table.leave(&before);
            table.arrive(&after);
            return entry;
        }
        let entry = Arc::new(Entry::new(webhook, row, &self.recent_max));
        table.insert(Arc::clone(&entry));
        self.recent_max.store(recent_max(table.entries.len()), Ordering::Relaxed);
        drop(table);
        self.version.send_modify(|version| *version += 1);
        entry
    }

    /// Removes a webhook.
    pub fn remove(&self, id: &WebhookId) -> Option<Arc<Entry>> {
        let removed = {
            let mut table = self.table();
            let removed = table.remove(id);
            self.recent_max.store(recent_max(table.entries.len()), Ordering::Relaxed);
            removed
        };
        if let Some(entry) = &removed {
            entry.is_removed.store(true, Ordering::Release);
        }
        self.version.send_modify(|version| *version += 1);
        removed
    }

    /// Returns a webhook.
    pub fn get(&self, id: &WebhookId) -> Option<Arc<Entry>> {
        self.table().entries.get(id).cloned()
    }

    /// Returns the webhooks of `owner` with this normalized URL.
    pub fn at_url(&self, owner: Owner, url: &str) -> Vec<Arc<Entry>> {
        let table = self.table();
        let ids = table.by_url.get(&(owner, url.into())).into_iter().flatten();
        ids.filter_map(|id| table.entries.get(id).cloned()).collect()
    }

    /// Returns the webhook of `owner` with this name.
    pub fn by_name(&self, owner: Owner, name: WebhookName) -> Option<Arc<Entry>> {
        let table = self.table();
        table.entries.get(table.by_name.get(&(owner, name))?).cloned()
    }

    /// Returns the number of webhooks that name `host`.
    pub(super) fn count_at(&self, host: &TargetHost) -> usize {
        self.table().by_host.get(host).copied().unwrap_or(0)
    }

    /// Returns all webhooks, in no particular order.
    pub fn all(&self) -> Vec<Arc<Entry>> {
        self.table().entries.values().cloned().collect()
    }

    /// Returns all webhooks, oldest first.
    pub fn list(&self) -> Vec<Arc<Entry>> {
        let mut list = self.all();
        list.sort_by_cached_key(|entry| entry.definition.borrow().age());
        list
    }

    /// Returns the number of webhooks.
    pub fn count(&self) -> usize {
        self.table().entries.len()
    }

    /// Returns a receiver that is notified when a webhook is added, removed or lost.
    pub fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Returns the ids of all webhooks.
    pub(super) fn ids(&self) -> Vec<WebhookId> {
        self.table().entries.keys().cloned().collect()
    }

    /// Returns the leases under which this instance sends webhooks.
    pub(super) fn leases(&self) -> Vec<Lease> {
        self.table().entries.values().filter_map(|entry| entry.sender.lease()).collect()
    }

    /// Records that a webhook was removed, or another instance has claimed it, since this one did under `lease`.
    pub(super) fn lose(&self, lease: &Lease) {
        {
            let mut table = self.table();
            let Some(entry) = table.entries.get(&lease.webhook) else { return };
            if entry.sender.lease().as_ref() != Some(lease) {
                return;
            }
            entry.sender.set_elsewhere();
            table.changed.insert(lease.webhook.clone());
        }
        tracing::info!(webhook = %lease.webhook, "this webhook was removed, or another instance sends it now");
        self.version.send_modify(|version| *version += 1);
    }

    /// Returns the webhooks that were added, removed or lost since the last call; a removed one has no entry.
    pub(super) fn take_changed(&self) -> Vec<(WebhookId, Option<Arc<Entry>>)> {
        let mut table = self.table();
        let changed = std::mem::take(&mut table.changed);
        changed.into_iter().map(|id| (id.clone(), table.entries.get(&id).cloned())).collect()
    }

    /// Returns the webhooks that are sent one of `events` now, each with the last that is for it. Webhooks with
    /// batches are not included: an event waits for its batch on purpose.
    pub fn audience(&self, events: &[Arc<Event>]) -> Vec<(WebhookId, Position)> {
        let last_for = |entry: &Entry| {
            let is_waited_for =
                !entry.is_held() && !entry.sender.is_elsewhere() && entry.webhook().options.batch.is_none();
            let mut wanted = events.iter().filter(|event| entry.wants(event));
            let last = || match entry.webhook().options.payload {
                // Events that come in together came in with one request, which is sent once, with the first.
                Payload::Original => wanted.next(),
                Payload::CloudEvents | Payload::Event | Payload::Seed => wanted.next_back(),
            };
            is_waited_for.then(last).flatten().map(|event| event.position)
        };
        let table = self.table();
        table.entries.iter().filter_map(|(id, entry)| Some((id.clone(), last_for(entry)?))).collect()
    }

    /// Returns the cursors that have moved beyond their recorded position, each with the lease under which it moved.
    pub(super) fn moved_cursors(&self) -> Vec<(Lease, Arc<Entry>, Position)> {
        let moved = |entry: &Arc<Entry>| {
            let position = entry.cursor.moved()?;
            Some((entry.sender.lease()?, Arc::clone(entry), position))
        };
        self.table().entries.values().filter_map(moved).collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A change is a few insertions or removals.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the number of attempts that each of `webhooks` keeps in memory.
fn recent_max(webhooks: usize) -> usize {
    (RECENT_OF_ALL_MAX / webhooks.max(1)).clamp(1, RECENT_MAX)
}

#[cfg(test)]
mod tests {
    use super::{RECENT_MAX, RECENT_OF_ALL_MAX, recent_max};

    #[test]
    fn what_all_keep_in_memory_has_a_bound() {
        assert_eq!((recent_max(0), recent_max(1), recent_max(200)), (RECENT_MAX, RECENT_MAX, RECENT_MAX));
        for webhooks in [201, 999, RECENT_OF_ALL_MAX] {
            assert!(recent_max(webhooks) * webhooks <= RECENT_OF_ALL_MAX, "{webhooks}");
        }
        assert_eq!(recent_max(RECENT_OF_ALL_MAX + 1), 1, "each keeps its last");
    }
}
