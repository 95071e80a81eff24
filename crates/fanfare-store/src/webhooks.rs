//! The stored data of webhooks: registrations and positions; deliveries that are not done; attempts.

use std::sync::Arc;

use fanfare_core::{Event, Owner, Position, Timestamp, WebhookId, WebhookName};

use crate::Head;

/// A registered webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    /// The id of the webhook.
    pub id: WebhookId,
    /// The owner.
    pub owner: Owner,
    /// The name; unique among the webhooks of its owner.
    pub name: Option<WebhookName>,
    /// The URL in normalized form; unique among the webhooks of its owner that have no name.
    pub url: Arc<str>,
    /// The registration, as its owner writes it (JSON). It contains secrets.
    pub settings: Arc<str>,
    /// The health, as the dispatcher writes it (JSON).
    pub state: Arc<str>,
    /// Counts the changes of its url and settings, from 1; the store counts.
    pub revision: u64,
    /// Every event up to here was delivered, does not match, or has a [`DeliveryRow`].
    pub cursor: Position,
    /// The time of the registration.
    pub created: Timestamp,
}

impl WebhookRow {
    /// Moves the cursor to `position`, or to the last position of the log if it is past that; a position that is no
    /// progress in the log changes nothing.
    pub fn advance(&mut self, position: Position, head: Head) {
        if let Ok(position) = head.clamp(position)
            && head.is_progress(self.cursor, position)
        {
            self.cursor = position;
        }
    }
}

/// An event that one webhook has not accepted: it waits for its next attempt, or failed. A delivered event has no
/// row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// The webhook that it belongs to.
    pub webhook: WebhookId,
    /// The event, of this log or of an earlier epoch: it is kept as long as the row, also when the log no longer has it.
    pub event: Arc<Event>,
    /// Number of attempts.
    pub attempts: u32,
    /// The next step.
    pub status: DeliveryStatus,
    /// The outcome of the last failure.
    pub failure: Box<str>,
    /// The batch that it was first sent in, when that had others: it is sent with them again, under the same id.
    pub batch: Option<BatchSpan>,
}

/// The events of one webhook that were sent in one request; all of one epoch, which the row of each tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchSpan {
    /// The first event's seq.
    pub first: u64,
    /// The last event's seq.
    pub last: u64,
}

/// The next step of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It is retried, not before this time.
    Waiting(Timestamp),
    /// It failed at this time, and is not retried.
    Failed(Timestamp),
}

impl DeliveryStatus {
    /// Returns the earliest time of the next attempt.
    pub fn due(self) -> Option<Timestamp> {
        match self {
            DeliveryStatus::Waiting(at) => Some(at),
            DeliveryStatus::Failed(_) => None,
        }
    }

    /// Returns whether it failed.
    pub fn is_failed(self) -> bool {
        match self {
            DeliveryStatus::Waiting(_) => false,
            DeliveryStatus::Failed(_) => true,
        }
    }
}

/// One HTTP request to a webhook, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// Its number, assigned by this store: in the order of recording, never reused.
    pub id: u64,
    /// The webhook that it belongs to.
    pub webhook: WebhookId,
    /// The position of its event; for a batch, of the first.
    pub position: Position,
    /// The seq of its event; for a batch, of the last.
    pub last_seq: u64,
    /// Number of this attempt at the delivery, starting at 1.
    pub number: u32,
    /// The start of the attempt.
    pub at: Timestamp,
    /// Whether the response was 2xx.
    pub is_delivered: bool,
    /// The status of the response, if there was one.
    pub status: Option<u16>,
    /// The name of the outcome, which `detail` has too.
    pub outcome: Box<str>,
    /// Further details, as the dispatcher writes them (JSON): outcome, status code, times, headers, the answer.
    pub detail: Box<str>,
}

/// A change of the data of webhooks. A change that names an unknown webhook does nothing: it was removed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryChange {
    /// Everything up to `position` is delivered, does not match, or has a row. A position that is not larger than the
    /// cursor changes nothing; one of the log's epoch replaces one of an earlier epoch.
    Cursor {
        /// The webhook that it belongs to.
        webhook: WebhookId,
        /// Up to where.
        position: Position,
    },
    /// The row of this webhook and event is written, in the place of one that is there. Does nothing if the log has the
    /// event, and it was purged.
    Put(DeliveryRow),
    /// The row is removed: it was delivered, or is no longer needed.
    Remove {
        /// The webhook that it belongs to.
        webhook: WebhookId,
        /// The event.
        position: Position,
    },
    /// An attempt is kept; its `id` is not looked at.
    Attempt(AttemptRow),
    /// The health of a webhook.
    State {
        /// The webhook that it belongs to.
        webhook: WebhookId,
        /// The health, as in [`WebhookRow::state`].
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

/// The numbers of delivery rows of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// The webhook that it belongs to.
    pub webhook: WebhookId,
    /// Rows that wait for their next attempt.
    pub waiting: u64,
    /// Failed deliveries.
    pub failed: u64,
}

/// A selection of delivery rows, ordered by epoch, oldest first, and by seq. A page also ends at [`PAGE_BYTES_MAX`] of
/// events: a short one can have more behind it, an empty one cannot.
///
/// [`PAGE_BYTES_MAX`]: crate::read::PAGE_BYTES_MAX
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadDeliveries {
    /// The webhook.
    pub webhook: WebhookId,
    /// Only failed deliveries, or only waiting ones; `None` for both.
    pub failed: Option<bool>,
    /// Only rows after this position; `None` for all.
    pub after: Option<Position>,
    /// Maximum rows, at least 1.
    pub limit: usize,
}

/// A selection of attempts, newest first. A page also ends at [`PAGE_BYTES_MAX`] of details: a short one can have more
/// behind it, an empty one cannot.
///
/// [`PAGE_BYTES_MAX`]: crate::read::PAGE_BYTES_MAX
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAttempts {
    /// The webhook; `None` for all.
    pub webhook: Option<WebhookId>,
    /// Only attempts at events with this seq, in whichever epoch.
    pub seq: Option<u64>,
    /// Which of these.
    pub filter: AttemptFilter,
    /// Only those with a smaller id.
    pub before: Option<u64>,
    /// Maximum rows, at least 1.
    pub limit: usize,
}

/// A filter for attempts; the default takes all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptFilter {
    /// Only failed ones, or only delivered ones.
    pub delivered: Option<bool>,
    /// Only those with this status.
    pub status: Option<u16>,
    /// Only those with this outcome.
    pub outcome: Option<Box<str>>,
    /// Only those that started then or later.
    pub since: Option<Timestamp>,
    /// Only those that started before then.
    pub until: Option<Timestamp>,
}

impl AttemptFilter {
    /// Returns whether an attempt passes the filter.
    pub fn takes(&self, attempt: AttemptFacts<'_>) -> bool {
        let AttemptFilter { delivered, status, outcome, since, until } = self;
        delivered.is_none_or(|delivered| attempt.is_delivered == delivered)
            && status.is_none_or(|status| attempt.status == Some(status))
            && outcome.as_ref().is_none_or(|outcome| **outcome == *attempt.outcome)
            && since.is_none_or(|since| attempt.at >= since)
            && until.is_none_or(|until| attempt.at < until)
    }
}

/// What attempts are filtered by; the members are those of [`AttemptRow`].
#[derive(Debug, Clone, Copy)]
pub struct AttemptFacts<'a> {
    /// Whether the response was 2xx.
    pub is_delivered: bool,
    /// The status of the response.
    pub status: Option<u16>,
    /// The name of the outcome.
    pub outcome: &'a str,
    /// The start of the attempt.
    pub at: Timestamp,
}

impl AttemptRow {
    /// Returns what attempts are filtered by.
    pub fn facts(&self) -> AttemptFacts<'_> {
        let AttemptRow { is_delivered, status, outcome, at, .. } = self;
        AttemptFacts { is_delivered: *is_delivered, status: *status, outcome, at: *at }
    }
}

/// Maximum webhooks of one log: each is a task, a row in memory and some connections.
pub const WEBHOOKS_MAX: usize = 10_000;

/// Maximum attempts to keep: about 1 GB at worst; beyond it the oldest are removed first.
pub const ATTEMPTS_MAX: u64 = 100_000;
