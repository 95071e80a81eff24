//! The log: events in one order, and their channels.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::limits::IDEMPOTENCY_WINDOW_SECONDS;
use fanfare_core::{Arrival, Channel, Epoch, Event, HttpMessage, NewEvent, Position, Received, Timestamp};
use tokio::sync::{broadcast, watch};

use crate::keys::{Digest, digest};
use crate::{Error, Page, Purged, Read, Scope, Swept};

/// One log.
///
/// **Seqs** count from 1 without holes in the order of appending. Retention removes from the old end, so the kept
/// events are one run, [`Head::first`] to [`Head::last`]; before it are only the events that the [floor](crate::floor)
/// spares. Of each channel, the kept events are always the newest. A purged event keeps its seq, and everything that
/// filters match except the text; its content is gone.
///
/// **Originals**: the request that brought events is kept with the first of them that was appended, as a part of it: it is
/// appended in the same step, counts for retention by bytes, and is removed with that event. The others
/// [name](fanfare_core::Original) that event. A purge of any of them erases it, because it has the content of all.
///
/// **Times**: an event has the time of day, which follows the machine's clock and can be earlier than that of the event
/// before; and an [`Arrival`] on the clock of the log, which never decreases along the seqs. `since`, expiry and
/// retention count by arrivals. See [`ArrivalClock`](crate::ArrivalClock).
///
/// **Several instances** can append to one log. Each sees what the others append, in the same order.
///
/// **Errors**: a call that fails with an [`Error`] has changed nothing, with two exceptions. After [`Error::Fatal`] the
/// outcome of the last append is unknown, nothing more is written, [`Engine::failed`](crate::Engine::failed) resolves,
/// and the process must stop. After [`Error::Unknown`], which only [`Log::append`] returns, [`Log::settle`] finds out
/// whether the append happened. After [`Error::Unavailable`], the call can be repeated.
///
/// **Epochs**: an engine can lose or replace its log while it is open. The log then has another [`Head::epoch`], and is
/// another log: positions of the one before are none of its places. The head shows the new epoch before the first event
/// of it is handed over, and before any call answers from it. A call that was made for the log before fails with
/// [`Error::EpochChanged`]. Events that were appended and that the new log does not have are gone; an append that is
/// settled only then did not happen.
///
/// **Limits**, such as [`CHANNELS_MAX`], belong to the log and cover all instances. If several append at once, the log
/// can exceed a limit by one call of each.
///
/// **Cancelling** a call's future does not undo the call: an append may still happen.
#[async_trait]
pub trait Log: Send + Sync + fmt::Debug + 'static {
    /// Returns the ends of the log as this instance knows them, and notifies of changes.
    ///
    /// It is never behind the answers of this instance: an append that has returned is included. It can be behind
    /// appends of other instances, but catches up by itself. All parts of one value belong together, and within one
    /// epoch neither `first` nor `last` decreases.
    fn head(&self) -> watch::Receiver<Head>;

    /// Returns events committed from now on by any instance, on a best-effort basis. It is a hint that saves reading:
    /// if a receiver lags, or the engine has nothing at hand, batches are left out. Follow the log by [`Log::head`] and
    /// [`Log::read`], and use this for the next events in order.
    ///
    /// Ends when the store is closed.
    fn committed(&self) -> broadcast::Receiver<Batch>;

    /// Appends events in order, all or nothing, and returns once they are durable (as far as the engine is).
    ///
    /// Concurrent appends do not interleave. An event whose idempotency key was appended by the same principal within
    /// the last 24 h, or earlier in the same call, is not appended again: the answer holds the first event in its
    /// place, with `repeated` set. (If retention has already removed that one, the pushed event takes its place, with
    /// the position and timestamp of the first.) The newest [`IDEMPOTENCY_KEYS_MAX`] keys are remembered. The answer is
    /// as long as the events and in their order.
    ///
    /// Fails with [`Error::IdempotencyConflict`] if such a key was used for an event with another [digest](crate::keys::digest),
    /// with [`Error::TooManyChannels`] if the log would get more than [`CHANNELS_MAX`], with
    /// [`Error::TooManyPurgedChannels`] if it has more than [`PURGED_CHANNELS_MAX`] and would get any, and with
    /// [`Error::TooManyNewChannels`] if more than [`NEW_CHANNELS_MAX`] of the events' channels are new.
    async fn append(&self, append: Append) -> Result<Vec<Appended>, Error>;

    /// Settles for good whether an append happened. Returns what it appended, as `append` would have answered; or
    /// returns `None`, and then the append can never happen: if it still arrives, it fails with [`Error::Settled`].
    ///
    /// Ask soon: an engine remembers the newest [`APPENDS_REMEMBERED`] appends of each instance. Fails if retention has
    /// already removed one of the events, or it was purged.
    async fn settle(&self, id: AppendId) -> Result<Option<Vec<Appended>>, Error>;

    /// Reads a page, which includes every append that was answered before the call; see [`Read`] for the limits of a
    /// page. Fails with [`Error::EpochChanged`] unless [`Read::epoch`] is that of the log.
    async fn read(&self, read: Read) -> Result<Page, Error>;

    /// Returns the request that brought an event. `None` if the log does not have the event, if no request is kept with
    /// it, or if that was purged or is damaged.
    async fn original(&self, event: Position) -> Result<Option<HttpMessage>, Error>;

    /// Returns the current time on the clock of the log.
    fn now(&self) -> Arrival;

    /// Returns the time on the clock of the log that is as far from [`Log::now`] as `moment` is from the time of day.
    fn at(&self, moment: Timestamp) -> Arrival;

    /// Returns the last seq before the first kept event that arrived at `moment` or later; the log's last if there is
    /// none.
    async fn seq_before(&self, moment: Arrival) -> Result<u64, Error>;

    /// Returns every channel that has had an event and was neither purged nor forgotten since, ordered by name.
    async fn channels(&self) -> Result<Vec<ChannelRow>, Error>;

    /// Forgets those of these channels that have no event in the log, and returns them. An engine can keep a
    /// channel if a delivery needs one of its events.
    async fn forget_channels(&self, channels: Vec<Channel>) -> Result<Vec<Channel>, Error>;

    /// Returns the positions that name the same event as this one, with itself. After a restore, an event has one in each
    /// log that has it.
    fn names(&self, event: Position) -> Vec<Position>;

    /// Purges the events in the log that `scope` selects: message, `data`, key, agent and original are erased from memory
    /// and from the disk. A fully purged channel is not listed, and does not count, until it gets another event. For retention,
    /// purged events count as many bytes as before. Idempotency keys stay, so a repeated push does not bring an event
    /// back.
    ///
    /// Returns `None` if the log has no such event or channel; a repeated purge finds no events. The events are
    /// purged in parts: after an error, some of them may be purged, and the call can be repeated.
    async fn purge(&self, scope: &Scope) -> Result<Option<Purged>, Error>;

    /// Removes a limited part of what retention no longer keeps, without stalling appends, and removes old idempotency
    /// keys. An engine can remove excess events by count or bytes as early as the append; the next sweep reports
    /// them, too. An event that a delivery needs stays readable through the [`Ledger`](crate::Ledger).
    async fn sweep(&self) -> Result<Swept, Error>;
}

/// The ends of a log: it keeps `first..=last`, which is nothing if `first` is past `last`, and before that the `spared`
/// events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The identity of the log.
    pub epoch: Epoch,
    /// The seq from which on the log has no holes.
    pub first: u64,
    /// The oldest seq in the log: that of the oldest spared event, or `first`.
    pub oldest: u64,
    /// Number of events before `first` that the [floor](crate::floor) spares.
    pub spared: u64,
    /// The last appended seq; 0 before the first.
    pub last: u64,
    /// What the log has in common with the one before it; `None` if that is nothing, or is not known.
    pub fork: Option<Fork>,
}

/// The place at which a log parted from the one before it: up to there, both have the same events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// The epoch of the log before.
    pub from: Epoch,
    /// The seq of the last event that both have.
    pub at: u64,
}

impl Head {
    /// Returns the last position.
    pub fn position(self) -> Position {
        Position { epoch: self.epoch, seq: self.last }
    }

    /// Returns the number of events in the log.
    pub fn events(self) -> u64 {
        (self.last + 1).saturating_sub(self.first) + self.spared
    }

    /// Returns the seq after which a reader of all events that are kept starts.
    pub fn before_oldest(self) -> u64 {
        self.oldest.saturating_sub(1)
    }

    /// Returns how many events retention has removed so far. Each removal increases it.
    pub fn removed(self) -> u64 {
        self.first.saturating_sub(1).saturating_sub(self.spared)
    }

    /// Returns the seq after which a reader at `position` continues. If this log replaced the one of `position`, that is
    /// the place of the [`Fork`] or earlier; without a fork from there, the reader starts from the beginning.
    pub fn resume(self, position: Position) -> u64 {
        if position.epoch == self.epoch {
            return position.seq.min(self.last);
        }
        match self.fork {
            Some(fork) if fork.from == position.epoch => position.seq.min(fork.at),
            Some(_) | None => 0,
        }
    }

    /// Returns whether `after` is further in this log than `before`, which may be of an earlier epoch.
    pub fn is_progress(self, before: Position, after: Position) -> bool {
        after.epoch == self.epoch && (before.epoch != self.epoch || after.seq > before.seq)
    }

    /// Returns `position`, or the last position if it is past that. Fails if it belongs to another epoch.
    pub fn clamp(self, position: Position) -> Result<Position, Error> {
        match position.epoch == self.epoch {
            true => Ok(Position { seq: position.seq.min(self.last), ..position }),
            false => Err(Error::EpochChanged { position, epoch: self.epoch }),
        }
    }
}

/// The name that an instance assigns to an append, to ask about it later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppendId(u128);

impl AppendId {
    /// Returns a new random id, which no one else creates.
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
    /// The id with which to ask if the answer is lost.
    pub id: AppendId,
    /// The events; at least one.
    pub events: Vec<NewEvent>,
    /// For each event: the digest that a repetition of its idempotency key must share. Computed here rather than by the
    /// engine, which appends for all callers one after the other.
    pub digests: Vec<Option<Digest>>,
    /// The request that brought the events, if it is to be kept.
    pub received: Option<Received>,
}

impl Append {
    /// Creates an append of `events`, with a new id.
    pub fn new(events: Vec<NewEvent>) -> Append {
        let digests = events.iter().map(digest).collect();
        Append { id: AppendId::random(), events, digests, received: None }
    }

    /// Sets the request that brought the events.
    pub fn received_as(self, received: Option<Received>) -> Append {
        Append { received, ..self }
    }
}

/// Consecutive events that were committed together, oldest first; never empty.
pub type Batch = Arc<[Arc<Event>]>;

/// The answer to one event of an append.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The event as it is in the log.
    pub event: Arc<Event>,
    /// Whether an earlier push with the same idempotency key had appended it.
    pub repeated: bool,
}

/// A channel, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// The name of the channel.
    pub channel: Channel,
    /// Number of events ever appended to it.
    pub events: u64,
    /// The seq of its last event.
    pub last_seq: u64,
    /// The timestamp of its last event.
    pub last_timestamp: Timestamp,
}

/// Number of the newest appends that can be settled: many times those in flight.
pub const APPENDS_REMEMBERED: usize = 16_384;

/// Maximum batches that wait for a follower of the log; one that lags further reads them from the store instead. A
/// batch can have a few MB, and all waiting ones stay in memory.
pub const COMMITTED_LEN_MAX: usize = 256;

/// Maximum channels in one log: each is a row in a list that people read, and an entry in memory.
pub const CHANNELS_MAX: usize = 10_000;

/// Maximum channels that one append can add: a tenth of all, so one push cannot use up the names that others
/// need.
pub const NEW_CHANNELS_MAX: usize = CHANNELS_MAX / 10;

/// Maximum purged channels whose events are still in the log: the same as for other channels. Their names stay
/// until retention removes the events, so that readers can be told about them.
pub const PURGED_CHANNELS_MAX: usize = CHANNELS_MAX;

/// Maximum idempotency keys to remember: about 100 MB at worst; beyond it the oldest are removed first.
pub const IDEMPOTENCY_KEYS_MAX: usize = 1_000_000;

/// The time for which an idempotency key counts.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(IDEMPOTENCY_WINDOW_SECONDS.unsigned_abs());
