//! The ledger: durable readers and webhooks with the position of each, and sources.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{Filter, Owner, Position, ReaderName, SourceName, Timestamp, WebhookId};
use tokio::sync::watch;

use crate::{
    AttemptRow, Claim, DeliveryChange, DeliveryCounts, DeliveryRow, Error, InstanceId, Lease, Purged,
    ReadAttempts, ReadDeliveries, Scope, Swept, WebhookRow,
};

/// The data beside the log: durable readers, webhooks, their deliveries and attempts.
///
/// **Errors** are as for [`Log`](crate::Log): a call that fails has changed nothing.
///
/// **Limits**, such as [`READERS_MAX`], belong to the ledger and cover all instances. If several add to it at once, the
/// ledger can exceed a limit by one call of each.
///
/// **Claims** decide which instance sends a webhook. A claim has a term by the ledger's clock, never by an instance's:
/// the clocks of two instances can differ by more than the term. A [`Lease`] has a fence, which grows with each change
/// of owner. [`Ledger::record`] compares fences in the transaction that makes the changes, so nothing that an earlier
/// owner still records is mixed with what the new owner read in its [`Claim`]. An owner that was paused and wakes up can
/// still send a request, which no ledger can prevent, but it cannot record the outcome. An engine that several processes
/// use keeps fences as durably as the changes. An engine that admits one process can end all claims when it is opened.
///
/// **The log** can be kept by another system. A seq past the end of the log that this instance knows counts as the
/// last, and a delivery row keeps its event as long as it lives, even if the log no longer has it.
///
/// **Positions** carry their epoch. What was stored under an earlier epoch stays as it is, and never counts as a place
/// in the present log; a reader or a webhook gets a place there by [`Ledger::acknowledge`] or
/// [`DeliveryChange::Cursor`].
#[async_trait]
pub trait Ledger: Send + Sync + fmt::Debug + 'static {
    /// Returns this durable reader, and notes that it is in use. One that is not known is made with `filter`, as if it had
    /// acknowledged everything up to `start`, or up to the log's last when that is smaller. Fails with
    /// [`Error::TooManyReaders`] when there would be more than [`READERS_MAX`], and with [`Error::EpochChanged`] when
    /// `start` belongs to another epoch than the log.
    async fn open_reader(
        &self,
        reader: &ReaderKey,
        filter: &Filter,
        start: Position,
    ) -> Result<ReaderRow, Error>;

    /// Sets the filter of this durable reader, and its position if one is given: forward or back, and at most to the log's
    /// last. One that is not known is made, at the log's last if no position is given. Returns the reader as it is then,
    /// and whether it is new. Fails as [`Ledger::open_reader`] does.
    async fn put_reader(
        &self,
        reader: &ReaderKey,
        filter: &Filter,
        position: Option<Position>,
    ) -> Result<(ReaderRow, bool), Error>;

    /// Notes that this reader has everything up to `position`, durably; a position that is not larger than the one it
    /// has changes nothing, and one past the log's last counts as the last: what is not there yet cannot have
    /// been received. A position of the log's epoch replaces one of an earlier epoch. Returns the reader as it is then,
    /// or nothing when it is not known. Fails with [`Error::EpochChanged`] when `position` belongs to another epoch
    /// than the log.
    async fn acknowledge(&self, reader: &ReaderKey, position: Position) -> Result<Option<ReaderRow>, Error>;

    /// Durably records that these readers are in use; ignores unknown ones.
    async fn use_readers(&self, readers: Vec<ReaderKey>) -> Result<(), Error>;

    /// Returns every durable reader, grouped by owner and ordered by name.
    async fn readers(&self) -> Result<Vec<ReaderRow>, Error>;

    /// Removes a durable reader; returns it as it was, if it existed.
    async fn remove_reader(&self, reader: &ReaderKey) -> Result<Option<ReaderRow>, Error>;

    /// Returns every source, ordered by name.
    async fn sources(&self) -> Result<Vec<SourceRow>, Error>;

    /// Returns one source, if it is known.
    async fn source(&self, name: &SourceName) -> Result<Option<SourceRow>, Error>;

    /// Adds a source, or replaces its settings; returns whether it is new. Fails with [`Error::TooManySources`] if there
    /// would be more than [`SOURCES_MAX`].
    async fn put_source(&self, source: SourceRow) -> Result<bool, Error>;

    /// Removes a source; returns whether it existed.
    async fn remove_source(&self, name: &SourceName) -> Result<bool, Error>;

    /// Returns every webhook, in the order of registration.
    async fn webhooks(&self) -> Result<Vec<WebhookRow>, Error>;

    /// Returns a number that grows with every webhook that is registered, updated or removed, by any instance, and
    /// notifies of changes: a holder of a copy of [`Ledger::webhooks`] then reads it again.
    fn revision(&self) -> watch::Receiver<u64>;

    /// Registers a webhook as revision 1, with its cursor at most at the log's last. Returns the webhook as it is then.
    ///
    /// Fails with [`Error::EpochChanged`] if its cursor belongs to another epoch than the log, with
    /// [`Error::WebhookChanged`] if its id exists, with [`Error::NameTaken`] if another webhook of its owner
    /// has its name, with [`Error::UrlTaken`] if it has no name and another without one has its url, and with [`Error::TooManyWebhooks`] if there would be more than
    /// [`WEBHOOKS_MAX`](crate::WEBHOOKS_MAX).
    async fn insert_webhook(&self, webhook: WebhookRow) -> Result<WebhookRow, Error>;

    /// Changes name, url and settings of the webhook with this id to those of the row, and counts its revision up; its owner,
    /// cursor, state and moment of registration stay. Returns the webhook as it is then.
    ///
    /// Fails with [`Error::WebhookChanged`] unless it is registered and has the revision `expected`: of two callers
    /// that change it at once, one learns of the other, and a removed webhook does not return. Fails with
    /// [`Error::NameTaken`] and [`Error::UrlTaken`] as registering does.
    async fn update_webhook(&self, webhook: WebhookRow, expected: u64) -> Result<WebhookRow, Error>;

    /// Removes a webhook with its deliveries and attempts; returns whether it existed. (An engine can leave data that
    /// is no longer visible on the disk for [`Ledger::sweep`] to remove.)
    async fn remove_webhook(&self, id: &WebhookId) -> Result<bool, Error>;

    /// Claims those of the webhooks `wanted` that are registered and that no other instance holds, for `term` from now.
    /// Returns a claim for each of these.
    ///
    /// A webhook that `instance` has claimed already, and nobody else since, keeps its fence: a call whose answer was
    /// lost can be repeated.
    async fn claim(
        &self,
        instance: InstanceId,
        wanted: Vec<WebhookId>,
        term: Duration,
    ) -> Result<Vec<Claim>, Error>;

    /// Prolongs the claims of these leases to `term` from now, also if their term is over but nobody else has claimed
    /// the webhook since. Returns the leases that could not be prolonged: another instance has claimed the webhook, or
    /// the webhook was released or removed.
    async fn renew(&self, leases: Vec<Lease>, term: Duration) -> Result<Vec<Lease>, Error>;

    /// Ends the claims of these leases, so that others can claim the webhooks at once. Passes over leases that are no
    /// longer good.
    async fn release(&self, leases: Vec<Lease>) -> Result<(), Error>;

    /// Makes these changes in order, durably, all or nothing; shares its commit with appends. A change that names an
    /// unknown webhook is skipped, and so is a cursor of another epoch than the log's; a seq past the log's last counts
    /// as the last. A row of an event that the log has, but that was purged, is skipped too: there is nothing to send.
    ///
    /// `leases` are those under which the changes were decided. Fails with [`Error::Fenced`] if one of them is no longer
    /// good. Changes that a person asks for, such as a pause, can come from any instance and need no lease.
    async fn record(&self, leases: Vec<Lease>, changes: Vec<DeliveryChange>) -> Result<(), Error>;

    /// Reads a page of one webhook's delivery rows; an unknown webhook has none. Fails with [`Error::EpochChanged`] if
    /// it is to start after a position of an epoch that neither the log nor a row ever had. A row whose event is
    /// damaged is removed rather than returned: there is nothing left to send.
    async fn deliveries(&self, read: ReadDeliveries) -> Result<Vec<DeliveryRow>, Error>;

    /// Returns the row of one webhook and event, if there is one.
    async fn delivery(&self, webhook: &WebhookId, event: Position) -> Result<Option<DeliveryRow>, Error>;

    /// Counts the delivery rows of every webhook, in the order of [`Ledger::webhooks`]; does not read the rows.
    async fn delivery_counts(&self) -> Result<Vec<DeliveryCounts>, Error>;

    /// Reads a page of attempts.
    async fn attempts(&self, read: ReadAttempts) -> Result<Vec<AttemptRow>, Error>;

    /// Returns one attempt, while it is kept.
    async fn attempt(&self, id: u64) -> Result<Option<AttemptRow>, Error>;

    /// Removes the deliveries of the events that `scope` selects, with the events that are kept for them, and the attempts
    /// at them. Callers see to it that nothing that they took before is recorded later: of an event beside the log, the
    /// ledger does not know that it was purged.
    async fn purge(&self, scope: &Scope) -> Result<Purged, Error>;

    /// Removes a limited part of old data: failed deliveries, attempts (in the order of their ids, and beyond
    /// [`ATTEMPTS_MAX`](crate::ATTEMPTS_MAX)), the rows of removed webhooks, and unused readers. Deliveries
    /// that wait for their next attempt are never removed. Returns what was removed.
    async fn sweep(&self) -> Result<Swept, Error>;
}

/// The key of a durable reader: two principals can each have one with the same name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReaderKey {
    /// The owner.
    pub owner: Owner,
    /// Its name.
    pub name: ReaderName,
}

/// A durable reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderRow {
    /// Which one.
    pub key: ReaderKey,
    /// The position up to which everything is acknowledged.
    pub acknowledged: Position,
    /// The filter of its last connection.
    pub filter: Filter,
    /// When it was last opened, set or in use, or last acknowledged an event.
    pub updated: Timestamp,
}

impl ReaderRow {
    /// Returns whether the reader has acknowledged `event`.
    pub fn has(&self, event: Position) -> bool {
        self.acknowledged.epoch == event.epoch && self.acknowledged.seq >= event.seq
    }
}

/// Maximum durable readers of one log, for the same reasons as [`CHANNELS_MAX`](crate::CHANNELS_MAX).
pub const READERS_MAX: usize = 10_000;

/// An address that other programs send to. What its settings mean is not for the store to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Its name.
    pub name: SourceName,
    /// Its settings, as JSON. They contain secrets.
    pub settings: Arc<str>,
}

/// Maximum sources of one log: far more than anyone sets up, and a list of them fits into an answer.
pub const SOURCES_MAX: usize = 1_000;
