//! The registry: who is registered. What it says is durable; workers learn of changes from it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_core::WebhookId;
use fanfare_core::{Audience, Event, Owner, Timestamp};
use tokio::sync::watch;

use crate::attempt::Attempt;
use crate::cursor::Cursor;
use crate::health::Health;
use crate::tally::Tally;
use crate::webhook::{Damaged, Webhook};
use fanfare_store::webhooks::WebhookRow;

/// Most attempts that are kept in memory for each webhook, whether they delivered or not; the store keeps the failed
/// ones for days.
pub const RECENT_MAX: usize = 50;
/// Most attempts that are kept in memory for all of them, unless there are more webhooks than that, of which each keeps
/// its last: most take under 1 KiB; the most that is kept of a body and of its answer is 33 KiB.
const RECENT_OF_ALL_MAX: usize = 10_000;

/// Everybody who is registered.
#[derive(Debug)]
pub struct Registry {
    /// Guards the table; held for one look-up, change or copy.
    table: Mutex<Table>,
    /// Counts the changes of the table.
    version: watch::Sender<u64>,
    /// How many attempts each webhook keeps in memory, as many as there are.
    recent_max: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Table {
    entries: BTreeMap<WebhookId, Arc<Entry>>,
    /// Which webhook of an owner has each normalised address.
    by_url: HashMap<(Owner, Box<str>), WebhookId>,
    /// Who came or went since the dispatcher looked, which it does at each change: to look at all of them would cost more
    /// with each that is registered.
    changed: BTreeSet<WebhookId>,
}

/// A webhook, shared by its worker and everybody who looks at it.
#[derive(Debug)]
pub struct Entry {
    /// What it is; changes when its owner changes it.
    pub definition: watch::Sender<Arc<Webhook>>,
    /// How it fares.
    health: Mutex<Health>,
    /// How far it is.
    pub cursor: Cursor,
    /// The newest attempts.
    recent: Mutex<VecDeque<Arc<Attempt>>>,
    /// As [`Registry`] has it.
    recent_max: Arc<AtomicUsize>,
    /// How its attempts ended; made with the first of them.
    tally: Mutex<Option<Box<Tally>>>,
    /// It is paused, or its breaker is open: nobody should wait for it.
    is_held: AtomicBool,
    /// When its breaker lets an attempt through, in microseconds since 1970; 0 while that is closed.
    held_until: AtomicI64,
    /// It was removed: nothing more goes out.
    is_removed: AtomicBool,
    /// Counts what its worker has to look at: a change of its health by hand, deliveries to be made again.
    pub nudges: watch::Sender<u64>,
}

impl Entry {
    fn new(webhook: Webhook, row: &WebhookRow, recent_max: &Arc<AtomicUsize>) -> Entry {
        let health = Health::from_stored(&row.state);
        Entry {
            definition: watch::Sender::new(Arc::new(webhook)),
            is_held: health.is_paused().into(),
            is_removed: false.into(),
            health: Mutex::new(health),
            cursor: Cursor::new(row.cursor),
            recent: Mutex::new(VecDeque::new()),
            recent_max: Arc::clone(recent_max),
            tally: Mutex::new(None),
            held_until: 0.into(),
            nudges: watch::Sender::new(0),
        }
    }

    /// Gives what it is.
    pub fn webhook(&self) -> Arc<Webhook> {
        Arc::clone(&self.definition.borrow())
    }

    /// Gives how it fares.
    pub fn health(&self) -> Health {
        self.lock_health().clone()
    }

    /// Says whether nothing goes out until somebody resumes it.
    pub fn is_paused(&self) -> bool {
        self.lock_health().is_paused()
    }

    /// Says whether it was removed.
    pub fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Acquire)
    }

    /// Changes how it fares.
    pub fn change_health<T>(&self, change: impl FnOnce(&mut Health) -> T) -> T {
        change(&mut self.lock_health())
    }

    fn lock_health(&self) -> MutexGuard<'_, Health> {
        // A change is a few assignments, which do not panic.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an attempt for people to look at.
    pub fn remember(&self, attempt: Arc<Attempt>) {
        if !attempt.sent.is_by_hand() {
            self.lock_tally().get_or_insert_default().count(attempt.at, attempt.is_delivered());
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        while recent.len() >= self.recent_max.load(Ordering::Relaxed) {
            recent.pop_front();
        }
        recent.push_back(attempt);
    }

    /// Gives the newest attempts, the newest first.
    pub fn recent(&self) -> Vec<Arc<Attempt>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }

    /// Looks at how its attempts ended, but for those that somebody asked for; nothing before the first.
    pub fn look_at_tally<T>(&self, look: impl FnOnce(&Tally) -> T) -> Option<T> {
        self.lock_tally().as_deref().map(look)
    }

    fn lock_tally(&self) -> MutexGuard<'_, Option<Box<Tally>>> {
        // Counts may be one short, and stay counts.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes when its breaker lets an attempt through, by the clock on the wall.
    pub fn set_held_until(&self, until: Option<Timestamp>) {
        self.held_until.store(until.map_or(0, Timestamp::as_micros), Ordering::Relaxed);
    }

    /// Gives when its breaker lets an attempt through, while that is open.
    pub fn held_until(&self) -> Option<Timestamp> {
        let micros = self.held_until.load(Ordering::Relaxed);
        (micros != 0).then(|| Timestamp::from_micros(micros))
    }

    /// Notes whether it is sent anything at the moment; says whether that is new.
    pub fn set_held(&self, is_held: bool) -> bool {
        self.is_held.swap(is_held, Ordering::AcqRel) != is_held
    }

    /// Says whether it is sent nothing at the moment.
    pub fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    /// Has its worker look again.
    pub fn nudge(&self) {
        self.nudges.send_modify(|count| *count += 1);
    }

    /// Says whether `event` is for it.
    pub fn wants(&self, event: &Event) -> bool {
        event.audience == Audience::All && self.definition.borrow().options.filter.matches(event)
    }
}

impl Registry {
    /// Starts with what the store has. What cannot be read is refused, not forgotten.
    pub fn new(rows: Vec<WebhookRow>) -> Result<Registry, Damaged> {
        let recent_max = Arc::new(AtomicUsize::new(recent_max(rows.len())));
        let mut table = Table::default();
        for row in rows {
            let entry = Entry::new(Webhook::from_row(&row)?, &row, &recent_max);
            table.insert(Arc::new(entry));
        }
        Ok(Registry { table: Mutex::new(table), version: watch::Sender::new(0), recent_max })
    }

    /// Takes what the store has accepted: a new webhook, or another definition of one.
    pub fn put(&self, webhook: Webhook, row: &WebhookRow) -> Arc<Entry> {
        let mut table = self.table();
        if let Some(entry) = table.entries.get(&webhook.id).cloned() {
            let id = webhook.id.clone();
            let after = place(&webhook);
            let before = entry.definition.send_replace(Arc::new(webhook));
            table.by_url.remove(&place(&before));
            table.by_url.insert(after, id);
            return entry;
        }
        let entry = Arc::new(Entry::new(webhook, row, &self.recent_max));
        table.insert(Arc::clone(&entry));
        self.recent_max.store(recent_max(table.entries.len()), Ordering::Relaxed);
        drop(table);
        self.version.send_modify(|version| *version += 1);
        entry
    }

    /// Forgets a webhook.
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

    /// Gives a webhook.
    pub fn get(&self, id: &WebhookId) -> Option<Arc<Entry>> {
        self.table().entries.get(id).cloned()
    }

    /// Returns the webhook of `owner` with this normalised address.
    pub fn by_url(&self, owner: Owner, url: &str) -> Option<Arc<Entry>> {
        let table = self.table();
        table.entries.get(table.by_url.get(&(owner, url.into()))?).cloned()
    }

    /// Gives all of them, the oldest first.
    pub fn list(&self) -> Vec<Arc<Entry>> {
        let mut list: Vec<_> = self.table().entries.values().cloned().collect();
        list.sort_by_key(|entry| {
            let webhook = entry.definition.borrow();
            (webhook.created, webhook.id.clone())
        });
        list
    }

    /// Counts them.
    pub fn count(&self) -> usize {
        self.table().entries.len()
    }

    /// Tells when somebody was added or removed.
    pub fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Gives who came or went since this was last asked; who went has no entry.
    pub(super) fn take_changed(&self) -> Vec<(WebhookId, Option<Arc<Entry>>)> {
        let mut table = self.table();
        let changed = std::mem::take(&mut table.changed);
        changed.into_iter().map(|id| (id.clone(), table.entries.get(&id).cloned())).collect()
    }

    /// Gives those who are sent one of `events` now, each as it comes, with the last seq that is for them: not those who
    /// want to have several at a time, for whom an event waits on purpose.
    pub fn audience(&self, events: &[Arc<Event>]) -> Vec<(WebhookId, u64)> {
        let last_for = |entry: &Entry| {
            let is_waited_for = !entry.is_held() && entry.webhook().options.batch.is_none();
            let last = || events.iter().rev().find(|event| entry.wants(event));
            is_waited_for.then(last).flatten().map(|event| event.position.seq)
        };
        let table = self.table();
        table.entries.iter().filter_map(|(id, entry)| Some((id.clone(), last_for(entry)?))).collect()
    }

    /// Gives the cursors that are further than what was written.
    pub(super) fn moved_cursors(&self) -> Vec<(WebhookId, Arc<Entry>, u64)> {
        let table = self.table();
        let moved = table
            .entries
            .iter()
            .filter_map(|(id, entry)| entry.cursor.moved().map(|seq| (id.clone(), Arc::clone(entry), seq)));
        moved.collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A change is a few insertions or removals.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, entry: Arc<Entry>) {
        let webhook = entry.webhook();
        self.by_url.insert(place(&webhook), webhook.id.clone());
        self.changed.insert(webhook.id.clone());
        self.entries.insert(webhook.id.clone(), entry);
    }

    fn remove(&mut self, id: &WebhookId) -> Option<Arc<Entry>> {
        let entry = self.entries.remove(id)?;
        self.by_url.remove(&place(&entry.definition.borrow()));
        self.changed.insert(id.clone());
        Some(entry)
    }
}

/// Returns what no two webhooks have in common.
fn place(webhook: &Webhook) -> (Owner, Box<str>) {
    (webhook.owner.clone(), webhook.url.normalised().into())
}

/// Gives how many attempts each of `webhooks` keeps in memory.
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
