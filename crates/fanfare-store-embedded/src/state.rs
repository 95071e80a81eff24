//! The state of the file in memory: that of the writer, which is ahead until a transaction is committed, and the shared
//! one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fanfare_core::{Epoch, Position, SourceName, Stamp};
use rusqlite::Connection;
use tokio::sync::{broadcast, watch};

use crate::channels::Channels;
use crate::damage::Damage;
use crate::epochs::{Epochs, Place};
use crate::floor::Floor;
use crate::measures::Times;
use crate::refused::Refused;
use fanfare_store::claims::Claims;
use fanfare_store::registry::Registry;
use fanfare_store::settlement::Settlement;
use fanfare_store::{ArrivalClock, Batch, Error, Head, ReaderKey, ReaderRow, Retention, SourceRow};

/// The file, and the writer's state of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) shared: Arc<Shared>,
    pub(super) conn: Connection,
    pub(super) ahead: Ahead,
    pub(super) volatile: Volatile,
    pub(super) totals: Totals,
    pub(super) retention: Retention,
    pub(super) floor: Floor,
}

/// The writer's own copies of what [`Shared`] holds: ahead of it until the commit.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) channels: Channels,
    pub(super) webhooks: Registry,
}

/// What the file does not hold: instances and callers are in this process, and end with it.
#[derive(Debug)]
pub(super) struct Volatile {
    /// The instances that send the webhooks. Opening the file ends all claims, and a start after a crash does not wait
    /// for a term to end.
    pub(super) claims: Claims,
    /// The appends that happened.
    pub(super) settlement: Settlement,
}

/// The sums over the file, so that no change has to count.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) tail: Tail,
    /// Number of idempotency keys.
    pub(super) keys: usize,
    /// Number of attempts.
    pub(super) attempts: u64,
    /// Upper bound on the number of traces.
    pub(super) traces: usize,
}

/// The end of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub(super) seq: u64,
    /// The times of the last event.
    pub(super) stamp: Stamp,
    /// Bytes of all events ever appended.
    pub(super) bytes: u64,
}

impl Tail {
    /// Returns the times of the last event, unless the log never had one.
    pub(super) fn newest(&self) -> Option<Stamp> {
        (self.seq > 0).then_some(self.stamp)
    }
}

/// The durable readers, ordered by name.
pub(super) type Readers = BTreeMap<ReaderKey, ReaderRow>;

/// The sources, ordered by name.
pub(super) type Sources = BTreeMap<SourceName, SourceRow>;

/// Committed data, as far as it is kept in memory. Only the writer changes it, after each commit and in the order
/// channels, readers, sources and webhooks, then `last`: a caller that has seen `last` finds the channels of all events up to
/// it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) epoch: Epoch,
    pub(super) epochs: Epochs,
    /// The first event that has a checksum; those before are of an earlier version.
    pub(super) checked_from: Position,
    pub(super) clock: ArrivalClock,
    pub(super) times: Times,
    head: watch::Sender<Head>,
    commits: AtomicU64,
    channels: RwLock<Channels>,
    readers: RwLock<Readers>,
    sources: RwLock<Sources>,
    webhooks: RwLock<Registry>,
    /// Counts the changes to the set of webhooks.
    revision: watch::Sender<u64>,
    /// Wakes followers; gone once the store is closed.
    committed: RwLock<Option<broadcast::Sender<Batch>>>,
    failure: watch::Sender<Option<Error>>,
    /// The events whose rows were found damaged.
    damage: Mutex<Damage>,
    /// Why the last events were refused, if they were.
    refused: Mutex<Option<Refused>>,
}

/// The lists of the file that are kept in memory.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) channels: Channels,
    pub(super) readers: Readers,
    pub(super) sources: Sources,
    pub(super) webhooks: Registry,
}

impl Shared {
    pub(super) fn new(
        path: PathBuf,
        head: Head,
        epochs: Epochs,
        checked_from: Position,
        clock: ArrivalClock,
        lists: Lists,
        committed: broadcast::Sender<Batch>,
    ) -> Shared {
        let Lists { channels, readers, sources, webhooks } = lists;
        Shared {
            path,
            epoch: head.epoch,
            epochs,
            checked_from,
            clock,
            times: Times::new(),
            head: watch::Sender::new(head),
            commits: AtomicU64::new(0),
            channels: RwLock::new(channels),
            readers: RwLock::new(readers),
            sources: RwLock::new(sources),
            webhooks: RwLock::new(webhooks),
            revision: watch::Sender::new(0),
            committed: RwLock::new(Some(committed)),
            failure: watch::Sender::new(None),
            damage: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    pub(super) fn head(&self) -> Head {
        *self.head.borrow()
    }

    /// Returns the place from which on the log has no holes.
    pub(super) fn first(&self) -> Place {
        Place { epoch: self.epochs.current_number(), seq: self.head().first }
    }

    pub(super) fn watch_head(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// Records that the row of an event was found damaged, and says so the first time.
    pub(super) fn note_damage(&self, event: Position) {
        let is_new = self.damage.lock().unwrap_or_else(PoisonError::into_inner).note(event);
        if is_new {
            tracing::error!(
                path = %self.path.display(), %event,
                "an event cannot be read, because its row is damaged; it is passed over, and readers are told"
            );
        }
    }

    /// Returns the last damaged event before `seq` that was found, if any.
    pub(super) fn damaged_before(&self, seq: u64) -> Option<u64> {
        let end = Position { epoch: self.epoch, seq };
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).last_before(end)
    }

    /// Returns how many damaged events were found.
    pub(super) fn damaged(&self) -> u64 {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).count()
    }

    /// Records whether events are refused, and why.
    pub(super) fn note_refused(&self, refused: Option<Refused>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    /// Returns why the last events were refused, if they were.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(super) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// Records where the log starts, and how many events before `first` are spared.
    pub(super) fn set_start(&self, first: u64, oldest: u64, spared: u64) {
        self.head.send_if_modified(|head| {
            let new = Head { first, oldest, spared, ..*head };
            std::mem::replace(head, new) != new
        });
    }

    pub(super) fn set_last(&self, last: u64) {
        self.head.send_modify(|head| head.last = last);
    }

    // The sections under these locks cannot panic halfway through a change, so poison is no news.

    pub(super) fn channels(&self) -> RwLockReadGuard<'_, Channels> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn channels_mut(&self) -> RwLockWriteGuard<'_, Channels> {
        self.channels.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn readers(&self) -> RwLockReadGuard<'_, Readers> {
        self.readers.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn readers_mut(&self) -> RwLockWriteGuard<'_, Readers> {
        self.readers.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sources(&self) -> RwLockReadGuard<'_, Sources> {
        self.sources.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sources_mut(&self) -> RwLockWriteGuard<'_, Sources> {
        self.sources.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn webhooks(&self) -> RwLockReadGuard<'_, Registry> {
        self.webhooks.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn webhooks_mut(&self) -> RwLockWriteGuard<'_, Registry> {
        self.webhooks.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch_revision(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    pub(super) fn count_revision(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// Returns a queue of events committed from now on; it has ended if the store is closed.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Batch> {
        let committed = self.committed.read().unwrap_or_else(PoisonError::into_inner);
        match &*committed {
            Some(committed) => committed.subscribe(),
            None => broadcast::Sender::new(1).subscribe(),
        }
    }

    /// Refuses later calls, and ends followers once the writer has gone too.
    pub(super) fn close(&self) {
        *self.committed.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns why the store cannot be used, when it cannot.
    pub(super) fn check_usable(&self) -> Result<(), Error> {
        if let Some(failure) = &*self.failure.borrow() {
            return Err(failure.clone());
        }
        let is_open = self.committed.read().unwrap_or_else(PoisonError::into_inner).is_some();
        is_open.then_some(()).ok_or(Error::Closed)
    }

    /// Records that nothing more will be written.
    pub(super) fn fail(&self, failure: Error) {
        self.failure.send_replace(Some(failure));
    }

    /// Waits until nothing more will be written because of a failure.
    pub(super) async fn failed(&self) -> Error {
        let mut failure = self.failure.subscribe();
        loop {
            if let Some(failure) = &*failure.borrow_and_update() {
                return failure.clone();
            }
            if failure.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
