//! The thread that alone writes and checkpoints.
//!
//! It puts all waiting requests into one transaction, so that one sync of the disk serves all of them: the more there
//! is to do, the larger the groups become, without a timer.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rusqlite::config::DbConfig;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::append::INSERT;
use crate::group::{self, Change, Effect, Group, Size, in_transaction};
use crate::lock::Lock;
use crate::presence::Presence;
use crate::refused::{Refused, write_nothing};
use crate::state::{Shared, State};
use crate::wal::Wal;
use crate::{forget, sweep};
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::{Batch, Error, Swept};

/// Maximum requests that wait for the writer: enough to fill several groups; later callers wait for room.
pub(super) const QUEUE_LEN_MAX: usize = 4_096;

/// Number of rows at which a group is closed: about 5 ms of work, so that no one waits long for the commit.
const GROUP_LEN_MAX: usize = 2_048;

/// Number of bytes at which a group is closed, for the same reason.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Work on the state between two transactions; calls its caller back.
type Work = Box<dyn FnOnce(&mut State) + Send>;

/// A request to the writer.
pub(super) enum Request {
    /// Work that changes nothing in the file; what was asked for before it is committed by then.
    Between(Work),
    /// A change; those that wait share one commit.
    Change(Box<dyn Change>),
    /// Drain the queue and end.
    Close,
    /// Copy the write-ahead log into the file and empty it; answers whether that was possible.
    Erase(oneshot::Sender<Result<bool, Error>>),
    /// Remove old deliveries and attempts; a commit of its own.
    Forget(oneshot::Sender<Result<Swept, Error>>),
    /// Remove events that retention no longer keeps; a commit of its own.
    Sweep(oneshot::Sender<Result<Swept, Error>>),
}

/// The handle to the writer.
pub(super) struct Asker {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: mpsc::Sender<Request>,
}

impl Asker {
    /// Asks the writer for a change, and waits until it is durable.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        size: Size,
        work: impl FnOnce(&mut Group<'_>) -> rusqlite::Result<Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let (change, answered) = group::change(size, work);
        self.request(Request::Change(change), answered).await
    }

    /// Asks the writer for work between two transactions that changes nothing in the file.
    pub(super) async fn between<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        // The receiver may be gone.
        let work: Work = Box::new(move |state| drop(answer.send(Ok(work(state)))));
        self.request(Request::Between(work), answered).await
    }

    /// Removes events that retention no longer keeps.
    pub(super) async fn sweep(&self) -> Result<Swept, Error> {
        let (answer, answered) = oneshot::channel();
        self.request(Request::Sweep(answer), answered).await
    }

    /// Removes old deliveries and attempts.
    pub(super) async fn forget(&self) -> Result<Swept, Error> {
        let (answer, answered) = oneshot::channel();
        self.request(Request::Forget(answer), answered).await
    }

    /// Copies the write-ahead log into the file and empties it. Returns whether that was possible.
    pub(super) async fn erase(&self) -> Result<bool, Error> {
        let (answer, answered) = oneshot::channel();
        self.request(Request::Erase(answer), answered).await
    }

    /// Sends a request to the writer, and waits for its answer.
    async fn request<T>(
        &self,
        request: Request,
        answered: oneshot::Receiver<Result<T, Error>>,
    ) -> Result<T, Error> {
        self.shared.check_usable()?;
        if self.queue.send(request).await.is_ok()
            && let Ok(answer) = answered.await
        {
            return answer;
        }
        // The writer has ended: in order, or because of a failure.
        self.shared.check_usable().and(Err(Error::Closed))
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").finish_non_exhaustive()
    }
}

/// The writer's side of the store.
pub(super) struct Writer {
    pub(super) state: State,
    pub(super) queue: mpsc::Receiver<Request>,
    pub(super) committed: broadcast::Sender<Batch>,
    pub(super) wal: Wal,
    pub(super) presence: Presence,
    /// Held until the file is closed.
    pub(super) lock: Arc<Mutex<Option<Lock>>>,
}

impl Writer {
    /// Works until the store is closed or dropped, or has failed.
    pub(super) fn run(mut self) {
        let mut changes = Vec::new();
        // Number of changes in the last group.
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
                let size = change.size();
                len += size.rows;
                bytes += size.bytes;
                changes.push(change);
                let has_room = len < GROUP_LEN_MAX && bytes < GROUP_BYTES_MAX;
                next = if has_room { self.queue.try_recv().ok() } else { None };
            }
            last = changes.len();
            let outcome = self.commit(&mut changes).and_then(|()| match next {
                Some(Request::Between(work)) => {
                    work(&mut self.state);
                    Ok(())
                }
                Some(Request::Erase(answer)) => self.erase(answer),
                Some(Request::Forget(answer)) => self.tidy(forget::forget, answer),
                Some(Request::Sweep(answer)) => {
                    self.look_again();
                    self.tidy(sweep::sweep, answer)
                }
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

    /// Makes the changes in one transaction and answers them. After an error here, nothing more may be written.
    fn commit(&mut self, changes: &mut Vec<Box<dyn Change>>) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        reach(FailPoint::GroupBegun);
        let mut effect = Effect::new(self.state.totals.tail);
        let begun = Instant::now();
        let times = &self.state.shared.times;
        changes.iter().for_each(|change| times.queued(begun.duration_since(change.asked())));
        let refusal = match self.presence.check().and_then(|()| self.transact(changes, &mut effect)) {
            Ok(()) => {
                reach(FailPoint::GroupCommitted);
                self.state.shared.count_commit();
                if !effect.batch.is_empty() {
                    self.state.shared.note_refused(None);
                }
                if let Some(batch) = self.state.publish(effect) {
                    // There may be no subscribers.
                    let _ = self.committed.send(batch);
                }
                reach(FailPoint::GroupSeen);
                changes.drain(..).for_each(|change| change.answer(Ok(())));
                reach(FailPoint::GroupAnswered);
                return Ok(());
            }
            Err(refusal) => refusal,
        };
        self.state.revert(&effect);
        let bytes = changes.iter().map(|change| change.size().bytes as u64).sum();
        self.state.shared.note_refused(Some(Refused { error: refusal.clone(), bytes }));
        // Before anyone sees the result, so that no one repeats the request in vain.
        let outcome = self.note_failure(Err(refusal.clone()));
        changes.drain(..).for_each(|change| change.answer(Err(refusal.clone())));
        outcome
    }

    fn transact(&mut self, changes: &mut [Box<dyn Change>], effect: &mut Effect) -> Result<(), Error> {
        let now = self.state.shared.clock.stamp();
        let State { shared, conn, ahead, volatile, floor, .. } = &mut self.state;
        let conn = &*conn;
        in_transaction(shared, conn, || {
            let insert = conn.prepare_cached(INSERT)?;
            let mut group = Group { shared, conn, insert, ahead, volatile, floor, effect, now };
            changes.iter_mut().try_for_each(|change| change.make(&mut group))?;
            group.write_channels()?;
            group.write_webhooks()?;
            group.write_readers()?;
            reach(FailPoint::GroupWritten);
            Ok(())
        })
    }

    /// Records that nothing more may be written, if `outcome` is such an error; returns only those.
    fn note_failure(&self, outcome: Result<(), Error>) -> Result<(), Error> {
        match outcome {
            Err(failure @ Error::Fatal { .. }) => {
                self.state.shared.fail(failure.clone());
                Err(failure)
            }
            _ => Ok(()),
        }
    }

    /// Copies the write-ahead log into the file when it has become long.
    fn checkpoint(&mut self) -> Result<(), Error> {
        let State { shared, conn, .. } = &self.state;
        let copied = self.wal.checkpoint(conn, shared, !self.queue.is_empty());
        self.note_failure(copied)
    }

    /// Copies the write-ahead log into the file and empties it; after an error here, nothing more may be written.
    fn erase(&mut self, answer: oneshot::Sender<Result<bool, Error>>) -> Result<(), Error> {
        let State { shared, conn, .. } = &self.state;
        let erased = self.wal.erase(conn, shared);
        let failure = self.note_failure(erased.as_ref().map(|_| ()).map_err(Error::clone));
        // The receiver may be gone.
        let _ = answer.send(erased);
        failure
    }

    /// Finds out whether events are still refused. Clients that know that they are send none, so waiting for the next
    /// push would not tell.
    fn look_again(&mut self) {
        let State { shared, conn, .. } = &self.state;
        let Some(refused) = shared.refused().filter(|refused| refused.has_room(&shared.path)) else { return };
        let tried = in_transaction(shared, conn, || write_nothing(conn));
        shared.note_refused(tried.err().map(|error| Refused { error, ..refused }));
    }

    /// Runs the work that keeps the file small; after an error here, nothing more may be written.
    fn tidy(
        &mut self,
        tidy: impl FnOnce(&mut State) -> Result<Swept, Error>,
        answer: oneshot::Sender<Result<Swept, Error>>,
    ) -> Result<(), Error> {
        let swept = tidy(&mut self.state);
        let failure = self.note_failure(swept.as_ref().map(|_| ()).map_err(Error::clone));
        // The receiver may be gone.
        let _ = answer.send(swept);
        failure
    }

    /// Ends without writing anything more: the next start finds the current content of the disk.
    fn give_up(mut self, failure: Error) {
        tracing::error!(path = %self.state.shared.path.display(), "the store failed: {failure}");
        self.state.shared.close();
        self.queue.close();
        while let Ok(request) = self.queue.try_recv() {
            match request {
                Request::Change(change) => change.answer(Err(failure.clone())),
                Request::Erase(answer) => drop(answer.send(Err(failure.clone()))),
                Request::Forget(answer) | Request::Sweep(answer) => drop(answer.send(Err(failure.clone()))),
                // Its caller finds the failure.
                Request::Between(_) | Request::Close => {}
            }
        }
        // If it cannot be set, closing copies the committed data: allowed, but unnecessary.
        let _ = self.state.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        self.release();
    }

    fn close(self) {
        if let Err(error) = sweep::save_tail(&self.state.conn, self.state.totals.tail) {
            tracing::warn!(path = %self.state.shared.path.display(), "could not tidy up the store: {error}");
        }
        // Closing copies the write-ahead log into the file and removes it.
        self.release();
    }

    fn release(self) {
        let Writer { state: State { conn, shared, .. }, lock, .. } = self;
        if let Err((_, error)) = conn.close() {
            tracing::warn!(path = %shared.path.display(), "could not close the store: {error}");
        }
        lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
