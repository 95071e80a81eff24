//! The log: events in one order, and what was pushed where.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::limits::IDEMPOTENCY_WINDOW_SECONDS;
use fanfare_core::{Channel, Epoch, Event, NewEvent, Position, Timestamp};
use tokio::sync::{broadcast, watch};

use crate::{Error, Page, Read};

/// One log.
///
/// **Seqs** count from 1 without holes in the order of appending; timestamps never go back along them. Retention removes
/// from the old end only, so what is kept is always one run, [`Head::first`] to [`Head::last`].
///
/// **Several instances** may append to one log. Each sees what the others append, in the same order.
///
/// **Errors**: a call that fails with an [`Error`] has changed nothing, with two exceptions. After [`Error::Fatal`]
/// nobody knows about the last append, nothing more is written, [`Engine::failed`](crate::Engine::failed) resolves, and
/// the process must stop. After [`Error::Unknown`], which only [`Log::append`] returns, [`Log::settle`] says whether the
/// append happened. With [`Error::Unavailable`], the same call may be made again.
///
/// **Limits**, such as [`CHANNELS_MAX`], are the log's, whoever appends. Where several instances do at once, it may exceed
/// one by a call of each.
///
/// **Cancelling** a call's future does not undo the call: an append may still happen.
#[async_trait]
pub trait Log: Send + Sync + fmt::Debug + 'static {
    /// Returns what this instance knows of the log's ends, and tells when that changes.
    ///
    /// It is never behind what this instance answered: an append that returned is within. It may be behind what other
    /// instances appended, but catches up without being asked. `first` and `last` of one value belong together, and in
    /// one epoch neither ever goes back.
    fn head(&self) -> watch::Receiver<Head>;

    /// Returns what is committed from now on, whoever appends, as far as it comes by. A hint that saves reading: a
    /// receiver that lags, or an engine that has nothing at hand, leaves batches out. Follow the log by [`Log::head`]
    /// and [`Log::read`], and take from here what comes next in order.
    ///
    /// Ends when the store is closed.
    fn committed(&self) -> broadcast::Receiver<Batch>;

    /// Appends events in their order, all or nothing, and returns once they are durable (as far as the engine is).
    ///
    /// Concurrent appends do not interleave. An event whose idempotency key was appended by the same principal
    /// within the last 24 h, or earlier in the same call, is not appended again: the answer holds the first event in its place, with
    /// `repeated` set. (When retention has removed that one already, its place is filled by what was pushed
    /// now, with the first one's position and timestamp.) The newest [`IDEMPOTENCY_KEYS_MAX`] keys are
    /// remembered. The answer is as long as the events and in their order.
    ///
    /// Fails with [`Error::TooManyChannels`] when the log would get more than [`CHANNELS_MAX`].
    async fn append(&self, append: Append) -> Result<Vec<Appended>, Error>;

    /// Settles whether an append happened, for good: returns what it appended, as `append` would have answered; or
    /// returns nothing, and then the append can never happen: where it still arrives, it fails with [`Error::Settled`].
    ///
    /// Ask soon: an engine remembers the newest [`APPENDS_REMEMBERED`] appends of each instance. Fails when retention has
    /// removed one of the events already.
    async fn settle(&self, id: AppendId) -> Result<Option<Vec<Appended>>, Error>;

    /// Reads a page. What `append` answered before the call is seen; see [`Read`] for the bounds of a page.
    async fn read(&self, read: Read) -> Result<Page, Error>;

    /// Returns the last seq before the first event at or after `moment`; the log's last when there is none.
    async fn seq_before(&self, moment: Timestamp) -> Result<u64, Error>;

    /// Returns every channel that has had an event, in order of its name.
    async fn channels(&self) -> Result<Vec<ChannelRow>, Error>;

    /// Removes a bounded part of what retention no longer keeps, without stalling appends, and forgets old idempotency
    /// keys. Returns whether there is more to remove. An engine may remove what is too much by count or bytes already
    /// when it appends. An event that a delivery needs stays readable through the [`Ledger`](crate::Ledger).
    async fn sweep(&self) -> Result<bool, Error>;
}

/// Where a log begins and ends: it keeps `first..=last`, and nothing when `first` is past `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The identity of the log.
    pub epoch: Epoch,
    /// The oldest seq that is kept.
    pub first: u64,
    /// The last seq that was appended; 0 before the first.
    pub last: u64,
}

impl Head {
    /// Returns the last position.
    pub fn position(self) -> Position {
        Position { epoch: self.epoch, seq: self.last }
    }
}

/// The name that an instance gives to an append, to ask about it later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppendId(u128);

impl AppendId {
    /// Makes one that nobody else makes.
    pub fn random() -> AppendId {
        AppendId(rand::random())
    }
}

impl fmt::Display for AppendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Events to append together.
#[derive(Debug, Clone)]
pub struct Append {
    /// What to ask about when the answer is lost.
    pub id: AppendId,
    /// The events; at least one.
    pub events: Vec<NewEvent>,
}

impl Append {
    /// Makes an append of `events`, under an id of its own.
    pub fn new(events: Vec<NewEvent>) -> Append {
        Append { id: AppendId::random(), events }
    }
}

/// Consecutive events that were committed together, oldest first; never empty.
pub type Batch = Arc<[Arc<Event>]>;

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

/// How many of the newest appends can be settled: those that are under way, many times over.
pub const APPENDS_REMEMBERED: usize = 16_384;

/// Most batches that wait for whoever follows the log; one that lags further reads them from the store instead. A batch
/// can have a few MB, and all that wait stay in memory.
pub const COMMITTED_LEN_MAX: usize = 256;

/// Most channels in one log: each is a row in a list that people look at, and an entry in memory.
pub const CHANNELS_MAX: usize = 10_000;

/// Most idempotency keys that are remembered: about 100 MB at worst; past it the oldest are forgotten first.
pub const IDEMPOTENCY_KEYS_MAX: usize = 1_000_000;

/// How long an idempotency key counts.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(IDEMPOTENCY_WINDOW_SECONDS.unsigned_abs());
