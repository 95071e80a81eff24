//! The thread that alone writes and checkpoints.
//!
//! It takes everything that waits into one transaction, so that one sync of the disk serves all of it: the more
//! there is to do, the larger the groups become, without a timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::{broadcast, mpsc};

use crate::channels::Channels;
use crate::group::{Effect, Group, Tail};
use crate::lock::Lock;
use crate::request::{Answer, Change, Made, Request};
use crate::shared::Shared;
use crate::{failure, sweep};
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::registry::Registry;
use fanfare_store::{Batch, Clock, Error, Retention};

/// Most requests that wait for the writer: enough to fill several groups; who comes later waits for room.
pub(super) const QUEUE_LEN_MAX: usize = 4_096;

/// Once a group has so many rows it takes no more: about 5 ms of work, so that nobody waits long for the commit.
const GROUP_LEN_MAX: usize = 2_048;

/// Once a group has so many bytes it takes no more, for the same reason.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// From so many pages on, the write-ahead log is copied into the file when nobody waits: 1–2 ms.
const CHECKPOINT_PAGES_MIN: u64 = 250;

/// From so many pages on, it is copied even if somebody waits: 2–3 ms of delay. Copying less, more often, costs
/// no throughput: the start of the write-ahead log is written again and again, which syncs twice as fast as a
/// file that grows. Copying more at once would show in the 99th percentile of the time that an append takes.
const CHECKPOINT_PAGES_MAX: u64 = 500;

/// From so many pages on (64 MiB), the writer waits for the readers of the moment to end their pages, so that
/// the write-ahead log starts over. Before, it starts over by itself as soon as no reader uses it.
const TRUNCATE_PAGES_MIN: u64 = 16_000;

/// The writer's side of the store.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) conn: Connection,
    pub(super) channels: Channels,
    pub(super) tail: Tail,
    pub(super) webhooks: Registry,
    pub(super) keys: usize,
    /// How many attempts there are.
    pub(super) attempts: u64,
    pub(super) retention: Retention,
    pub(super) clock: Clock,
    pub(super) queue: mpsc::Receiver<Request>,
    pub(super) committed: broadcast::Sender<Batch>,
    /// The pages in the write-ahead log, as of the last commit; SQLite tells.
    pub(super) wal_pages: Arc<AtomicU64>,
    /// The pages that were there when they were last copied into the file.
    pub(super) checkpointed_pages: u64,
    /// Held until the file is closed.
    pub(super) lock: Arc<std::sync::Mutex<Option<Lock>>>,
}

impl Writer {
    /// Works until the store is closed or dropped, or has failed.
    pub(super) fn run(mut self) {
        let mut changes = Vec::new();
        // How many changes the last group had.
        let mut last = 0;
        while let Some(request) = self.queue.blocking_recv() {
            let mut next = Some(request);
            let (mut len, mut bytes) = (0, 0);
            if last > 1 {
                // Several push at once. Where cores are scarce, those who are about to hand something over get their
                // turn first, and share this commit; where they are not, this returns at once.
                std::thread::yield_now();
            }
            while let Some(Request::Change(change)) = next {
                len += change.len();
                bytes += change.bytes();
                changes.push(change);
                let has_room = len < GROUP_LEN_MAX && bytes < GROUP_BYTES_MAX;
                next = if has_room { self.queue.try_recv().ok() } else { None };
            }
            last = changes.len();
            let outcome = self.commit(&mut changes).and_then(|()| match next {
                Some(Request::Sweep(answer)) => self.sweep(answer),
                Some(Request::Close) => {
                    self.queue.close();
                    Ok(())
                }
                Some(Request::Change(_)) | None => Ok(()),
            });
            if let Err(failure) = outcome.and_then(|()| self.checkpoint()) {
                return self.give_up(failure);
            }
        }
        self.close();
    }

    /// Makes the changes in one transaction and answers them. An error here is one after which nothing more
    /// may be written.
    fn commit(&mut self, changes: &mut Vec<Change>) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        reach(FailPoint::GroupBegun);
        let mut made = Vec::with_capacity(changes.len());
        let mut effect = Effect::new(self.tail);
        let refusal = match self.transact(changes, &mut made, &mut effect) {
            Ok(()) => {
                reach(FailPoint::GroupCommitted);
                self.shared.count_commit();
                self.publish(effect);
                reach(FailPoint::GroupSeen);
                made.into_iter().for_each(Made::confirm);
                reach(FailPoint::GroupAnswered);
                return Ok(());
            }
            Err(refusal) => refusal,
        };
        self.channels.revert(&self.shared.channels(), &effect.channels);
        self.webhooks.copy_from(&self.shared.webhooks(), effect.webhooks.keys().copied());
        let outcome = match refusal {
            Error::Fatal { .. } => {
                // Before anybody learns of it, so that nobody asks again in vain.
                self.shared.fail(refusal.clone());
                Err(refusal.clone())
            }
            _ => Ok(()),
        };
        made.into_iter().for_each(|made| made.refuse(refusal.clone()));
        changes.drain(..).for_each(|change| change.refuse(refusal.clone()));
        outcome
    }

    fn transact(
        &mut self,
        changes: &mut Vec<Change>,
        made: &mut Vec<Made>,
        effect: &mut Effect,
    ) -> Result<(), Error> {
        let now = self.clock.now().max(self.tail.timestamp);
        let Writer { shared, conn, channels, webhooks, .. } = self;
        let mut group = Group { shared, conn, channels, webhooks, effect, now };
        in_transaction(&shared.path, conn, || {
            group.make(changes, made)?;
            reach(FailPoint::GroupWritten);
            Ok(())
        })
    }

    /// Lets everybody see what was committed.
    fn publish(&mut self, effect: Effect) {
        self.tail = effect.tail;
        self.keys += effect.keys;
        self.attempts += effect.attempts;
        if !effect.channels.is_empty() {
            self.shared.channels_mut().update(&self.channels, &effect.channels);
        }
        if !effect.readers.is_empty() {
            let mut readers = self.shared.readers_mut();
            for (name, row) in effect.readers {
                match row {
                    Some(row) => readers.insert(name, row),
                    None => readers.remove(&name),
                };
            }
        }
        if !effect.webhooks.is_empty() {
            self.shared.webhooks_mut().copy_from(&self.webhooks, effect.webhooks.keys().copied());
        }
        if !effect.batch.is_empty() {
            let batch: Batch = effect.batch.into();
            self.shared.set_last(self.tail.seq);
            // Nobody may be following.
            let _ = self.committed.send(batch);
        }
    }

    fn sweep(&mut self, answer: Answer<bool>) -> Result<(), Error> {
        let swept = sweep::sweep(self);
        let failure = match &swept {
            Err(failure @ Error::Fatal { .. }) => {
                self.shared.fail(failure.clone());
                Err(failure.clone())
            }
            _ => Ok(()),
        };
        // Nobody may be waiting any more.
        let _ = answer.send(swept);
        failure
    }

    /// Copies the write-ahead log into the file when it has become long. PASSIVE waits for nobody.
    fn checkpoint(&mut self) -> Result<(), Error> {
        let pages = self.wal_pages.load(Ordering::Relaxed);
        if pages < self.checkpointed_pages {
            // It started over.
            self.checkpointed_pages = 0;
        }
        let fresh = pages - self.checkpointed_pages;
        if fresh < CHECKPOINT_PAGES_MIN || (fresh < CHECKPOINT_PAGES_MAX && !self.queue.is_empty()) {
            return Ok(());
        }
        self.checkpointed_pages = pages;
        let mode = if pages >= TRUNCATE_PAGES_MIN { "TRUNCATE" } else { "PASSIVE" };
        reach(FailPoint::CheckpointBegun);
        let done =
            self.conn.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})")).and_then(|mut statement| {
                statement.query_row((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            });
        reach(FailPoint::CheckpointDone);
        match done {
            Ok((_, 0)) => {
                self.wal_pages.store(0, Ordering::Relaxed);
                self.checkpointed_pages = 0;
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) if failure::is_disk_full(&error) => {
                // The write-ahead log still has everything; the next attempt comes when it has grown again.
                tracing::warn!(path = %self.shared.path.display(), "the disk is full: cannot tidy up the store");
                Ok(())
            }
            Err(error) => {
                let failure = failure::fatal(&self.shared.path, "checkpointing", &error);
                self.shared.fail(failure.clone());
                Err(failure)
            }
        }
    }

    /// Ends without writing anything more: what is on the disk now is what the next start finds.
    fn give_up(mut self, failure: Error) {
        tracing::error!(path = %self.shared.path.display(), "the store failed: {failure}");
        self.shared.close();
        self.queue.close();
        while let Ok(request) = self.queue.try_recv() {
            match request {
                Request::Change(change) => change.refuse(failure.clone()),
                Request::Sweep(answer) => drop(answer.send(Err(failure.clone()))),
                Request::Close => {}
            }
        }
        // If it cannot be set, closing copies what was committed: allowed, only not needed.
        let _ = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        self.release();
    }

    fn close(self) {
        if let Err(error) = sweep::save_tail(&self.conn, self.tail) {
            tracing::warn!(path = %self.shared.path.display(), "could not tidy up the store: {error}");
        }
        // Closing copies the write-ahead log into the file and removes it.
        self.release();
    }

    fn release(self) {
        let Writer { conn, lock, shared, .. } = self;
        if let Err((_, error)) = conn.close() {
            tracing::warn!(path = %shared.path.display(), "could not close the store: {error}");
        }
        lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    }
}

/// Runs `work` in a transaction and commits it. When that fails, [`Error::Fatal`] says that nothing is known of
/// it; any other error, that it was undone.
pub(super) fn in_transaction<T>(
    path: &std::path::Path,
    conn: &Connection,
    work: impl FnOnce() -> rusqlite::Result<T>,
) -> Result<T, Error> {
    let run = |sql| conn.prepare_cached(sql).and_then(|mut statement| statement.execute(()));
    if let Err(error) = run("BEGIN IMMEDIATE") {
        return Err(failure::named(path, &error));
    }
    let undo = |error: &rusqlite::Error| {
        // SQLite may have undone it already.
        if !conn.is_autocommit()
            && let Err(error) = run("ROLLBACK")
        {
            return failure::fatal(path, "undoing a change of", &error);
        }
        failure::named(path, error)
    };
    let done = match work() {
        Ok(done) => done,
        Err(error) => {
            return Err(match undo(&error) {
                // Every page that was touched is in doubt.
                Error::Corrupt { .. } | Error::Foreign { .. } | Error::Io { .. } => {
                    failure::fatal(path, "writing", &error)
                }
                named => named,
            });
        }
    };
    match run("COMMIT") {
        Ok(_) => Ok(done),
        // The disk is full means that a frame of the write-ahead log could not be written whole. The frame that
        // says "committed" is the last, so it is not there: the transaction is known not to have happened.
        Err(error) if failure::is_disk_full(&error) => Err(undo(&error)),
        // After a failed sync, for one, the frames may or may not be on the disk.
        Err(error) => Err(failure::fatal(path, "committing to", &error)),
    }
}
