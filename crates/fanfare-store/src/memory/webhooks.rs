//! Webhooks, their deliveries and attempts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use fanfare_core::{Epoch, Position, Timestamp, WebhookId};

use crate::page::Rows;
use crate::registry::{Entry, Registry};
use crate::retention::FORGET_LEN_MAX;
use crate::{
    ATTEMPTS_MAX, AttemptRow, DeliveryChange, DeliveryCounts, DeliveryRow, DeliveryStatus, Error, Head,
    Purged, ReadAttempts, ReadDeliveries, Retention, Scope, Swept, WebhookRow,
};

/// The data of webhooks. Every key starts with the number of a registered webhook.
#[derive(Debug, Default)]
pub(super) struct Webhooks {
    registry: Registry,
    /// The last assigned number.
    last_number: u64,
    /// The epochs of the deliveries, in the order in which they came.
    epochs: Vec<Epoch>,
    /// By number, index of the epoch, and seq.
    deliveries: BTreeMap<(u64, usize, u64), DeliveryRow>,
    attempts: BTreeMap<u64, AttemptRow>,
    last_attempt: u64,
}

impl Webhooks {
    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn rows(&self) -> Vec<WebhookRow> {
        self.registry.rows()
    }

    pub(super) fn counts(&self) -> Vec<DeliveryCounts> {
        self.registry.counts()
    }

    /// Registers one.
    pub(super) fn insert(&mut self, row: WebhookRow, head: Head) -> Result<WebhookRow, Error> {
        let cursor = head.clamp(row.cursor)?;
        self.registry.check_new(&row)?;
        let row = WebhookRow { revision: 1, cursor, ..row };
        self.last_number += 1;
        self.registry.insert(self.last_number, Entry::new(row.clone()));
        Ok(row)
    }

    /// Changes one that has the revision `expected`.
    pub(super) fn update(&mut self, row: &WebhookRow, expected: u64) -> Result<WebhookRow, Error> {
        let (number, entry) = self.registry.changed(row, expected)?;
        let row = entry.row.clone();
        self.registry.insert(number, entry);
        Ok(row)
    }

    pub(super) fn remove(&mut self, id: &WebhookId) -> bool {
        let Some(number) = self.registry.number(id) else { return false };
        self.registry.remove(number);
        self.deliveries.retain(|(whose, _, _), _| *whose != number);
        self.attempts.retain(|_, attempt| attempt.webhook != *id);
        true
    }

    /// Notes an epoch that deliveries can have; later ones come after it.
    pub(super) fn know(&mut self, epoch: Epoch) {
        if !self.epochs.contains(&epoch) {
            self.epochs.push(epoch);
        }
    }

    /// Makes one change.
    pub(super) fn change(&mut self, change: DeliveryChange, head: Head) {
        let Some(number) = self.registry.number(change.webhook()) else { return };
        if let DeliveryChange::Put(row) = &change {
            self.know(row.event.position.epoch);
        }
        let epochs = &self.epochs;
        let key = |position| key(epochs, number, position);
        let Some(entry) = self.registry.get_mut(number) else { return };
        match change {
            DeliveryChange::Cursor { position, .. } => entry.row.advance(position, head),
            DeliveryChange::State { state, .. } => entry.row.state = state,
            DeliveryChange::Put(row) => {
                let after = row.status;
                let Some(key) = key(row.event.position) else { return };
                let before = self.deliveries.insert(key, row);
                entry.count(before.map(|row| row.status), Some(after));
            }
            DeliveryChange::Remove { position, .. } => {
                let before = key(position).and_then(|key| self.deliveries.remove(&key));
                entry.count(before.map(|row| row.status), None);
            }
            DeliveryChange::Attempt(attempt) => {
                self.last_attempt += 1;
                self.attempts.insert(self.last_attempt, AttemptRow { id: self.last_attempt, ..attempt });
            }
        }
    }

    pub(super) fn deliveries(&self, read: &ReadDeliveries, head: Head) -> Result<Vec<DeliveryRow>, Error> {
        let Some(number) = self.registry.number(&read.webhook) else { return Ok(Vec::new()) };
        let after = match read.after {
            None => Bound::Included((number, 0, 0)),
            Some(after) => match key(&self.epochs, number, after) {
                Some(key) => Bound::Excluded(key),
                // There is no row of the log's epoch.
                None => return head.clamp(after).map(|_| Vec::new()),
            },
        };
        let end = Bound::Included((number, usize::MAX, u64::MAX));
        let is_wanted = |row: &DeliveryRow| read.failed.is_none_or(|failed| row.status.is_failed() == failed);
        let mut page = Rows::new(read.limit);
        for row in self.deliveries.range((after, end)).map(|(_, row)| row) {
            if is_wanted(row) && !page.take(row.clone(), row.event.stored_len() as usize) {
                break;
            }
        }
        Ok(page.finish())
    }

    /// Removes the deliveries of the events that `scope` selects, and the attempts at them and at `events`, which the log
    /// had.
    pub(super) fn purge(&mut self, scope: &Scope, mut events: BTreeSet<Position>) -> Purged {
        let mut purged = Purged::default();
        self.deliveries.retain(|key, row| {
            let goes = scope.selects(&row.event);
            if goes {
                events.insert(row.event.position);
                if let Some(entry) = self.registry.get_mut(key.0) {
                    entry.count(Some(row.status), None);
                }
                purged.deliveries += 1;
            }
            !goes
        });
        self.attempts.retain(|_, attempt| {
            let last = Position { seq: attempt.last_seq, ..attempt.position };
            let goes = events.range(attempt.position..=last).next().is_some();
            purged.attempts += u64::from(goes);
            !goes
        });
        purged
    }

    pub(super) fn delivery(&self, webhook: &WebhookId, event: Position) -> Option<DeliveryRow> {
        self.deliveries.get(&key(&self.epochs, self.registry.number(webhook)?, event)?).cloned()
    }

    pub(super) fn attempts(&self, read: &ReadAttempts) -> Vec<AttemptRow> {
        let is_wanted = |attempt: &AttemptRow| {
            read.webhook.as_ref().is_none_or(|webhook| attempt.webhook == *webhook)
                && read.seq.is_none_or(|seq| attempt.position.seq == seq)
                && read.filter.takes(attempt.facts())
        };
        let mut page = Rows::new(read.limit);
        for attempt in
            self.attempts.range(..read.before.unwrap_or(u64::MAX)).rev().map(|(_, attempt)| attempt)
        {
            if is_wanted(attempt) && !page.take(attempt.clone(), attempt.detail.len()) {
                break;
            }
        }
        page.finish()
    }

    pub(super) fn attempt(&self, id: u64) -> Option<AttemptRow> {
        self.attempts.get(&id).cloned()
    }

    /// Removes some old data, and some of the attempts beyond the maximum.
    pub(super) fn sweep(&mut self, retention: Retention, now: Timestamp) -> Swept {
        let oldest_dead = now.before(retention.failed_deliveries);
        let is_old = |row: &DeliveryRow| matches!(row.status, DeliveryStatus::Failed(at) if at < oldest_dead);
        let old: Vec<_> = self
            .deliveries
            .iter()
            .filter(|(_, row)| is_old(row))
            .map(|(key, _)| *key)
            .take(FORGET_LEN_MAX as usize + 1)
            .collect();
        for key in old.iter().take(FORGET_LEN_MAX as usize) {
            let before = self.deliveries.remove(key);
            if let Some(entry) = self.registry.get_mut(key.0) {
                entry.count(before.map(|row| row.status), None);
            }
        }
        let oldest_attempt = now.before(retention.attempts);
        let mut attempts = 0;
        while attempts < FORGET_LEN_MAX && self.has_too_many(oldest_attempt) {
            self.attempts.pop_first();
            attempts += 1;
        }
        Swept {
            deliveries: (old.len() as u64).min(FORGET_LEN_MAX),
            attempts,
            has_more: old.len() as u64 > FORGET_LEN_MAX || self.has_too_many(oldest_attempt),
            ..Swept::default()
        }
    }

    fn has_too_many(&self, oldest: Timestamp) -> bool {
        self.attempts.len() as u64 > ATTEMPTS_MAX
            || self.attempts.first_key_value().is_some_and(|(_, attempt)| attempt.at < oldest)
    }
}

/// Returns the key of a delivery, unless there is none of its epoch.
fn key(epochs: &[Epoch], number: u64, event: Position) -> Option<(u64, usize, u64)> {
    let epoch = epochs.iter().position(|epoch| *epoch == event.epoch)?;
    Some((number, epoch, event.seq))
}
