//! What the writer, the readers and the followers have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fanfare_core::{Epoch, ReaderName};
use tokio::sync::{broadcast, watch};

use crate::channels::Channels;
use fanfare_store::registry::Registry;
use fanfare_store::{Batch, Error, Head, ReaderRow};

/// The durable readers, in order of their names.
pub(super) type Readers = BTreeMap<ReaderName, ReaderRow>;

/// What was committed, as far as it is kept in memory. Only the writer changes it, after each commit and in the
/// order channels, readers and webhooks, then `last`: whoever has seen `last` finds the channels of all events up to it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) epoch: Epoch,
    head: watch::Sender<Head>,
    commits: AtomicU64,
    channels: RwLock<Channels>,
    readers: RwLock<Readers>,
    webhooks: RwLock<Registry>,
    /// Counts the changes to who is registered.
    revision: watch::Sender<u64>,
    /// Wakes followers; gone once the store is closed.
    committed: RwLock<Option<broadcast::Sender<Batch>>>,
    failure: watch::Sender<Option<Error>>,
}

impl Shared {
    pub(super) fn new(
        path: PathBuf,
        head: Head,
        channels: Channels,
        readers: Readers,
        webhooks: Registry,
        committed: broadcast::Sender<Batch>,
    ) -> Shared {
        Shared {
            path,
            epoch: head.epoch,
            head: watch::Sender::new(head),
            commits: AtomicU64::new(0),
            channels: RwLock::new(channels),
            readers: RwLock::new(readers),
            webhooks: RwLock::new(webhooks),
            revision: watch::Sender::new(0),
            committed: RwLock::new(Some(committed)),
            failure: watch::Sender::new(None),
        }
    }

    pub(super) fn head(&self) -> Head {
        *self.head.borrow()
    }

    pub(super) fn watch_head(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(super) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_first(&self, first: u64) {
        self.head.send_if_modified(|head| std::mem::replace(&mut head.first, first) != first);
    }

    pub(super) fn set_last(&self, last: u64) {
        self.head.send_modify(|head| head.last = last);
    }

    // The sections under these locks cannot panic half-way through a change, so poison is no news.

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

    /// Gives a queue of what is committed from now on; one that has ended when the store is closed.
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

    /// Says why the store cannot be used, when it cannot.
    pub(super) fn check_usable(&self) -> Result<(), Error> {
        if let Some(failure) = &*self.failure.borrow() {
            return Err(failure.clone());
        }
        let is_open = self.committed.read().unwrap_or_else(PoisonError::into_inner).is_some();
        is_open.then_some(()).ok_or(Error::Closed)
    }

    /// Notes that nothing more will be written.
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
