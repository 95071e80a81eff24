//! What the store keeps of webhooks: who is registered and how far each is; the deliveries that are not simply
//! done; what was tried.

use std::sync::Arc;

use fanfare_core::WebhookId;
use fanfare_core::{Event, Owner, Timestamp};

/// A registered webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    /// Its id.
    pub id: WebhookId,
    /// Whom it belongs to.
    pub owner: Owner,
    /// Where it is called, in the one form that tells whether two are the same; no other webhook of its owner has it.
    pub url: Arc<str>,
    /// What it was registered with, as its owner writes it (JSON). It holds secrets.
    pub settings: Arc<str>,
    /// How it fares, as the dispatcher writes it (JSON).
    pub state: Arc<str>,
    /// Counts the changes of its url and settings, from 1; the store counts.
    pub revision: u64,
    /// Every event up to here was delivered, does not match, or has a [`DeliveryRow`].
    pub cursor: u64,
    /// When it was registered.
    pub created: Timestamp,
}

/// An event that one webhook has not taken: it waits for its next attempt, or was given up. What is delivered has no
/// row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// The webhook that it belongs to.
    pub webhook: WebhookId,
    /// The event, one of this log's: it is kept as long as the row, also when retention has removed it from the log.
    pub event: Arc<Event>,
    /// How often it was tried.
    pub attempts: u32,
    /// What comes next.
    pub status: DeliveryStatus,
    /// Why the last attempt failed: a category.
    pub failure: Box<str>,
    /// The batch that it was first sent in, when that had others: it is sent with them again, under the same id.
    pub batch: Option<BatchSpan>,
}

/// The events of one webhook that were sent in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchSpan {
    /// The first event's seq.
    pub first: u64,
    /// The last event's seq.
    pub last: u64,
}

/// What comes next for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It is tried again, not before this.
    Waiting(Timestamp),
    /// It was given up then: a dead letter.
    Dead(Timestamp),
}

impl DeliveryStatus {
    /// Returns when it is tried again at the earliest.
    pub fn due(self) -> Option<Timestamp> {
        match self {
            DeliveryStatus::Waiting(at) => Some(at),
            DeliveryStatus::Dead(_) => None,
        }
    }

    /// Returns whether it was given up.
    pub fn is_dead(self) -> bool {
        match self {
            DeliveryStatus::Waiting(_) => false,
            DeliveryStatus::Dead(_) => true,
        }
    }
}

/// One HTTP request to a webhook, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// Its number in this store, given by the store: in the order of recording, never used twice.
    pub id: u64,
    /// The webhook that it belongs to.
    pub webhook: WebhookId,
    /// Of which event; of a batch, the first.
    pub seq: u64,
    /// Which attempt at this delivery it was, from 1.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// It was answered with 2xx.
    pub is_delivered: bool,
    /// Further details, as the dispatcher writes them (JSON): category, status, times, headers, the answer.
    pub detail: Box<str>,
}

/// A change of what is kept of webhooks. What names a webhook that is not known changes nothing: it was removed
/// meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryChange {
    /// Everything up to `seq` is delivered, does not match, or has a row. A seq that is not larger than the cursor
    /// changes nothing.
    Cursor {
        /// The webhook that it belongs to.
        webhook: WebhookId,
        /// Up to where.
        seq: u64,
    },
    /// The row of this webhook and event is written, in the place of one that is there.
    Put(DeliveryRow),
    /// The row is removed: it was delivered, or is no longer wanted.
    Remove {
        /// The webhook that it belongs to.
        webhook: WebhookId,
        /// The event.
        seq: u64,
    },
    /// An attempt is kept; its `id` is not looked at.
    Attempt(AttemptRow),
    /// How a webhook fares.
    State {
        /// The webhook that it belongs to.
        webhook: WebhookId,
        /// As [`WebhookRow::state`].
        state: Arc<str>,
    },
}

impl DeliveryChange {
    /// Returns whose it is.
    pub fn webhook(&self) -> &WebhookId {
        match self {
            DeliveryChange::Cursor { webhook, .. }
            | DeliveryChange::Remove { webhook, .. }
            | DeliveryChange::State { webhook, .. } => webhook,
            DeliveryChange::Put(row) => &row.webhook,
            DeliveryChange::Attempt(row) => &row.webhook,
        }
    }
}

/// How many delivery rows a webhook has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// The webhook that it belongs to.
    pub webhook: WebhookId,
    /// Rows that wait for their next attempt.
    pub waiting: u64,
    /// Dead letters.
    pub dead: u64,
}

/// Which delivery rows to read, in the order of their seq. A page also ends at [`PAGE_BYTES_MAX`] of events: a
/// short one may have more behind it, an empty one has not.
///
/// [`PAGE_BYTES_MAX`]: crate::read::PAGE_BYTES_MAX
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadDeliveries {
    /// Of which webhook.
    pub webhook: WebhookId,
    /// Only dead letters, or only what waits; both when nothing is said.
    pub dead: Option<bool>,
    /// Only what comes after this seq.
    pub after: u64,
    /// Most rows, at least 1.
    pub limit: usize,
}

/// Which attempts to read, the newest first. A page also ends at [`PAGE_BYTES_MAX`] of details: a short one may
/// have more behind it, an empty one has not.
///
/// [`PAGE_BYTES_MAX`]: crate::read::PAGE_BYTES_MAX
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAttempts {
    /// Of which webhook; of all when nothing is said.
    pub webhook: Option<WebhookId>,
    /// Only at this event.
    pub seq: Option<u64>,
    /// Only failed ones, or only delivered ones.
    pub delivered: Option<bool>,
    /// Only those with a smaller id.
    pub before: Option<u64>,
    /// Most rows, at least 1.
    pub limit: usize,
}

/// Most webhooks of one log: each is a task, a row in memory and some connections.
pub const WEBHOOKS_MAX: usize = 10_000;

/// Most attempts that are kept: about 1 GB at worst; past it the oldest are forgotten first.
pub const ATTEMPTS_MAX: u64 = 100_000;
