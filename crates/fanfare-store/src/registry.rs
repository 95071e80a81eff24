//! Webhooks in memory: both engines find them here, by id, and by what no two of an owner have in common.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fanfare_core::{Owner, WebhookId, WebhookName};

use crate::webhooks::{DeliveryCounts, WEBHOOKS_MAX, WebhookRow};
use crate::{DeliveryStatus, Error};

/// All webhooks. The number of a webhook is short, grows in the order of registration, and is never reused.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    entries: BTreeMap<u64, Entry>,
    /// The number of each id in `entries`.
    ids: HashMap<WebhookId, u64>,
    /// The number of each place in `entries`.
    places: HashMap<Place, u64>,
}

/// What no two webhooks have in common: the owner's name for it, or without one the owner's url.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Name(Owner, WebhookName),
    Url(Owner, Arc<str>),
}

/// The state of one webhook.
#[derive(Debug, Clone)]
pub struct Entry {
    pub row: WebhookRow,
    /// Delivery rows that wait.
    pub waiting: u64,
    /// Delivery rows that failed.
    pub failed: u64,
}

impl Entry {
    pub fn new(row: WebhookRow) -> Entry {
        Entry { row, waiting: 0, failed: 0 }
    }

    /// Counts that a delivery row was there and is there now.
    pub fn count(&mut self, before: Option<DeliveryStatus>, after: Option<DeliveryStatus>) {
        if let Some(status) = before {
            *self.counter(status) -= 1;
        }
        if let Some(status) = after {
            *self.counter(status) += 1;
        }
    }

    fn counter(&mut self, status: DeliveryStatus) -> &mut u64 {
        match status {
            DeliveryStatus::Waiting(_) => &mut self.waiting,
            DeliveryStatus::Failed(_) => &mut self.failed,
        }
    }
}

impl Registry {
    pub fn number(&self, id: &WebhookId) -> Option<u64> {
        self.ids.get(id).copied()
    }

    pub fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.get(&number)
    }

    /// Returns one to change its state, cursor or counts; id, owner, name and url stay as they are.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Entry> {
        self.entries.get_mut(&number)
    }

    /// Returns the reason that `row` cannot be registered.
    pub fn check_new(&self, row: &WebhookRow) -> Result<(), Error> {
        if let Some(known) = self.number(&row.id).and_then(|number| self.get(number)) {
            let revision = Some(known.row.revision);
            return Err(Error::WebhookChanged { webhook: row.id.clone(), revision });
        }
        self.check_place(row)?;
        if self.entries.len() >= WEBHOOKS_MAX {
            return Err(Error::TooManyWebhooks { max: WEBHOOKS_MAX });
        }
        Ok(())
    }

    /// Returns the number of the webhook that `row` is to change, and the webhook as it will be; or why it cannot be
    /// changed.
    pub fn changed(&self, row: &WebhookRow, expected: u64) -> Result<(u64, Entry), Error> {
        let known = self.number(&row.id).and_then(|number| Some((number, self.get(number)?)));
        let other = |revision| Error::WebhookChanged { webhook: row.id.clone(), revision };
        let (number, known) = known.ok_or_else(|| other(None))?;
        if known.row.revision != expected {
            return Err(other(Some(known.row.revision)));
        }
        self.check_place(&WebhookRow { owner: known.row.owner.clone(), ..row.clone() })?;
        let row = WebhookRow {
            name: row.name.clone(),
            url: row.url.clone(),
            settings: row.settings.clone(),
            revision: expected + 1,
            ..known.row.clone()
        };
        Ok((number, Entry { row, ..*known }))
    }

    fn check_place(&self, row: &WebhookRow) -> Result<(), Error> {
        let same_place = self.places.get(&Place::of(row)).and_then(|number| self.entries.get(number));
        let Some(other) = same_place.filter(|other| other.row.id != row.id) else { return Ok(()) };
        let webhook = other.row.id.clone();
        Err(match row.name.clone() {
            Some(name) => Error::NameTaken { webhook, name },
            None => Error::UrlTaken { webhook },
        })
    }

    /// Adds one, or replaces the one with this number.
    pub fn insert(&mut self, number: u64, entry: Entry) {
        self.remove(number);
        self.ids.insert(entry.row.id.clone(), number);
        self.places.insert(Place::of(&entry.row), number);
        self.entries.insert(number, entry);
    }

    pub fn remove(&mut self, number: u64) {
        if let Some(entry) = self.entries.remove(&number) {
            self.ids.remove(&entry.row.id);
            self.places.remove(&Place::of(&entry.row));
        }
    }

    /// Copies the state of these webhooks from `other`.
    pub fn copy_from(&mut self, other: &Registry, numbers: impl Iterator<Item = u64> + Clone) {
        // All go first: two may have exchanged their places.
        numbers.clone().for_each(|number| self.remove(number));
        for number in numbers {
            if let Some(entry) = other.get(number) {
                self.insert(number, entry.clone());
            }
        }
    }

    pub fn rows(&self) -> Vec<WebhookRow> {
        self.entries.values().map(|entry| entry.row.clone()).collect()
    }

    pub fn counts(&self) -> Vec<DeliveryCounts> {
        let counts = |entry: &Entry| DeliveryCounts {
            webhook: entry.row.id.clone(),
            waiting: entry.waiting,
            failed: entry.failed,
        };
        self.entries.values().map(counts).collect()
    }
}

impl Place {
    fn of(row: &WebhookRow) -> Place {
        match &row.name {
            Some(name) => Place::Name(row.owner.clone(), name.clone()),
            None => Place::Url(row.owner.clone(), row.url.clone()),
        }
    }
}
