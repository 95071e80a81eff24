//! What survives a restart. [`Store`] is the contract in words; `tests/it/store_contract.rs` holds every engine
//! to it.

pub mod error;
pub mod follow;
pub mod memory;
pub mod page;
pub mod read;
pub mod registry;
pub mod retention;
pub mod webhooks;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::WebhookId;
use fanfare_core::limits::IDEMPOTENCY_WINDOW_SECONDS;
use fanfare_core::{Channel, Epoch, Event, Filter, NewEvent, ReaderName, Timestamp};

pub use error::Error;
pub use fanfare_runtime::clock::Clock;
pub use follow::{Batch, Follow};
pub use read::{Order, Page, Read};
pub use retention::Retention;
pub use webhooks::{
    ATTEMPTS_MAX, AttemptRow, BatchSpan, DeliveryChange, DeliveryCounts, DeliveryRow, DeliveryStatus,
    ReadAttempts, ReadDeliveries, WEBHOOKS_MAX, WebhookRow,
};

/// One log with what belongs to it.
///
/// **Seqs** count from 1 without holes in the order of appending; timestamps never go back along them.
/// Retention removes from the old end only, so what is kept is always one run `first..=last`.
///
/// **Errors**: whatever fails with an [`Error`] has changed nothing, except [`Error::Fatal`], after which
/// nothing is known of the last append and nothing more is written: [`Store::failed`] resolves and the process
/// must stop.
///
/// **Cancelling** a call's future does not undo the call: an append may still happen.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// Names the engine: `memory` or `embedded`.
    fn engine(&self) -> &'static str;

    /// Gives the identity of the log; it never changes while the store is open.
    fn epoch(&self) -> Epoch;

    /// Gives the run of events that is kept. Every append that was answered is within.
    fn extent(&self) -> Extent;

    /// Appends `events` in order, all or nothing, and returns once they are durable (as far as the engine is).
    ///
    /// Concurrent appends do not interleave. An event whose idempotency key was appended within the last 24 h,
    /// or earlier in the same call, is not appended again: the answer holds the first event in its place, with
    /// `repeated` set. (When retention has removed that one already, its place is filled by what was pushed
    /// now, with the first one's position and timestamp.) The newest [`IDEMPOTENCY_KEYS_MAX`] keys are
    /// remembered. The answer is as long as `events` and in its order.
    ///
    /// Fails with [`Error::TooManyChannels`] when the log would get more than [`CHANNELS_MAX`].
    async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Appended>, Error>;

    /// Reads a page. What `append` answered before the call is seen; see [`Read`] for the bounds of a page.
    async fn read(&self, read: Read) -> Result<Page, Error>;

    /// Gives the last seq before the first event at or after `moment`; the log's last when there is none.
    async fn seq_before(&self, moment: Timestamp) -> Result<u64, Error>;

    /// Follows the log after `seq`, whoever appends. Wait with [`Follow::next`].
    fn follow(&self, after: u64) -> Follow;

    /// Gives every channel that has had an event, in order of its name.
    async fn channels(&self) -> Result<Vec<ChannelRow>, Error>;

    /// Gives the durable reader `name`, with its filter set to `filter`. One that is not known is made, as if
    /// it had acknowledged everything up to `start`, or up to the log's last when that is smaller. Fails with
    /// [`Error::TooManyReaders`] when there would be more than [`READERS_MAX`].
    async fn open_reader(&self, name: &ReaderName, filter: &Filter, start: u64) -> Result<ReaderRow, Error>;

    /// Notes that reader `name` has everything up to `seq`, durably; a seq that is not larger than the one it
    /// has changes nothing, and one past the log's last counts as the last: what is not there yet cannot have
    /// been received. Gives the reader as it is then, or nothing when it is not known.
    async fn acknowledge(&self, name: &ReaderName, seq: u64) -> Result<Option<ReaderRow>, Error>;

    /// Gives every durable reader, in order of its name.
    async fn readers(&self) -> Result<Vec<ReaderRow>, Error>;

    /// Forgets a durable reader; says whether it was known.
    async fn remove_reader(&self, name: &ReaderName) -> Result<bool, Error>;

    /// Gives every webhook, in the order of registration.
    async fn webhooks(&self) -> Result<Vec<WebhookRow>, Error>;

    /// Registers a webhook, with its cursor at most at the log's last. When its id is known, that webhook gets this
    /// url and these settings; its cursor, state and moment of registration stay. Gives the webhook as it is then.
    ///
    /// Fails with [`Error::UrlTaken`] when another webhook has the url, and with [`Error::TooManyWebhooks`] when
    /// there would be more than [`WEBHOOKS_MAX`].
    async fn put_webhook(&self, webhook: WebhookRow) -> Result<WebhookRow, Error>;

    /// Forgets a webhook with its deliveries and attempts; says whether it was known. (An engine may leave what is no
    /// longer to be seen on the disk for [`Store::sweep`] to remove.)
    async fn remove_webhook(&self, id: &WebhookId) -> Result<bool, Error>;

    /// Makes these changes in their order, durably, all or nothing; shares its commit with appends. What names a
    /// webhook that is not known is passed over; a seq past the log's last counts as the last.
    async fn record(&self, changes: Vec<DeliveryChange>) -> Result<(), Error>;

    /// Reads a page of one webhook's delivery rows; of a webhook that is not known, nothing.
    async fn deliveries(&self, read: ReadDeliveries) -> Result<Vec<DeliveryRow>, Error>;

    /// Gives the row of one webhook and event, when there is one.
    async fn delivery(&self, webhook: &WebhookId, seq: u64) -> Result<Option<DeliveryRow>, Error>;

    /// Counts the delivery rows of every webhook, in the order of [`Store::webhooks`]; costs no reading.
    async fn delivery_counts(&self) -> Result<Vec<DeliveryCounts>, Error>;

    /// Reads a page of attempts.
    async fn attempts(&self, read: ReadAttempts) -> Result<Vec<AttemptRow>, Error>;

    /// Gives one attempt, while it is kept.
    async fn attempt(&self, id: u64) -> Result<Option<AttemptRow>, Error>;

    /// Removes a bounded part of what retention no longer keeps, without stalling appends, and forgets old
    /// idempotency keys, dead letters and attempts (the last in the order of their ids, and past [`ATTEMPTS_MAX`]).
    /// What waits for its next attempt is never forgotten. Says whether there is more to remove. (An engine may
    /// remove what is too much by count or bytes already when it appends.)
    async fn sweep(&self) -> Result<bool, Error>;

    /// Counts the commits since the store was opened: with appends that wait together, fewer than appends.
    fn commits(&self) -> u64;

    /// Tells those who find the store in use where the gateway that uses it listens. Does nothing where nobody
    /// can find it.
    fn announce(&self, _url: &str) -> Result<(), Error> {
        Ok(())
    }

    /// Resolves when the store can no longer be trusted, with the reason.
    async fn failed(&self) -> Error;

    /// Finishes what was accepted and closes; later calls fail with [`Error::Closed`].
    async fn close(&self);
}

/// The run of events that a log keeps: `first..=last`; empty when `first` is past `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The oldest seq that is kept.
    pub first: u64,
    /// The last seq that was appended; 0 before the first.
    pub last: u64,
}

/// The answer to one event of an append.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The event as it stands in the log.
    pub event: Arc<Event>,
    /// It was appended by an earlier push with the same idempotency key.
    pub repeated: bool,
}

/// A channel, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// Its name.
    pub channel: Channel,
    /// How many events were ever appended to it.
    pub events: u64,
    /// The seq of its last event.
    pub last_seq: u64,
    /// The timestamp of its last event.
    pub last_timestamp: Timestamp,
}

/// A durable reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderRow {
    /// Its name.
    pub name: ReaderName,
    /// Everything up to here is acknowledged.
    pub acknowledged: u64,
    /// What it reads: as of its last connection.
    pub filter: Filter,
    /// When it was last opened or acknowledged something.
    pub updated: Timestamp,
}

/// Most channels in one log: each is a row in a list that people look at, and an entry in memory.
pub const CHANNELS_MAX: usize = 10_000;

/// Most idempotency keys that are remembered: about 100 MB at worst; past it the oldest are forgotten first.
pub const IDEMPOTENCY_KEYS_MAX: usize = 1_000_000;

/// How long an idempotency key counts.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(IDEMPOTENCY_WINDOW_SECONDS.unsigned_abs());

/// Most durable readers of one log, for the same reasons as [`CHANNELS_MAX`].
pub const READERS_MAX: usize = 10_000;
