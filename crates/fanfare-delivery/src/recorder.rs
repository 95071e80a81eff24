//! The recorder: saves the position of every webhook and what failed, many changes in one transaction.
//!
//! A cursor that is not saved yet only means that a delivery may be repeated, with the same id: so it waits for others.
//! A failure that a cursor passes is saved in the same transaction as the cursor.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Position, WebhookId};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::cursor::Cursor;
use crate::registry::Registry;
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;
use fanfare_store::Ledger;
use fanfare_store::webhooks::DeliveryChange;

/// The time over which changes are batched before a write: anything delivered in that time may be delivered again after
/// a crash.
pub const RECORD_INTERVAL: Duration = Duration::from_millis(50);
/// Maximum attempts whose changes wait: a receiver that fails faster than the store can write has to wait for it.
const CHANGES_MAX: usize = 4_096;
/// The time to wait if the store cannot write, as with a full disk. Deliveries continue meanwhile.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The sender of changes to be recorded.
#[derive(Debug, Clone)]
pub struct Recorder {
    changes: mpsc::Sender<Note>,
    moved: Arc<Notify>,
}

#[derive(Debug)]
enum Note {
    Changes(Vec<DeliveryChange>),
    Health(WebhookId),
    Flush(oneshot::Sender<()>),
}

impl Recorder {
    /// Creates a recorder, and the work that must run for anything to be recorded.
    pub fn new(ledger: Arc<dyn Ledger>, registry: Arc<Registry>) -> (Recorder, Recording) {
        let (changes, received) = mpsc::channel(CHANGES_MAX);
        let moved = Arc::new(Notify::new());
        let recording = Recording { ledger, registry, changes: received, moved: Arc::clone(&moved) };
        (Recorder { changes, moved }, recording)
    }

    /// Adds a change; waits if too many changes are pending.
    pub async fn put(&self, change: DeliveryChange) {
        self.put_all(vec![change]).await;
    }

    /// Adds changes that are recorded together or not at all: those of one attempt, which may be at a batch.
    pub async fn put_all(&self, changes: Vec<DeliveryChange>) {
        // Without a recorder, the store has failed and the process is ending.
        let _ = self.changes.send(Note::Changes(changes)).await;
    }

    /// Requests that a webhook's health is recorded, as it is at the time of the write: of two simultaneous changes,
    /// one by hand and one by a response, neither undoes the other.
    pub async fn put_health(&self, webhook: WebhookId) {
        // As in `put_all`.
        let _ = self.changes.send(Note::Health(webhook)).await;
    }

    /// Records a webhook's position. Any failure that it passes must have been [`put`](Recorder::put) before.
    pub fn moved(&self, cursor: &Cursor, position: Position) {
        if cursor.set(position) {
            self.moved.notify_one();
        }
    }

    /// Waits until everything that was put before is recorded.
    pub async fn flushed(&self) {
        let (done, flushed) = oneshot::channel();
        if self.changes.send(Note::Flush(done)).await.is_ok() {
            // A recorder that has ended records nothing more.
            let _ = flushed.await;
        }
    }
}

/// The work of the recorder.
#[derive(Debug)]
pub struct Recording {
    ledger: Arc<dyn Ledger>,
    registry: Arc<Registry>,
    changes: mpsc::Receiver<Note>,
    moved: Arc<Notify>,
}

impl Recording {
    /// Records changes until `stop` turns true, and then the rest. Fails if the store can no longer be trusted.
    pub async fn run(mut self, mut stop: Shutdown) -> Result<(), store::Error> {
        loop {
            let mut notes = Vec::new();
            let is_last = tokio::select! {
                count = self.changes.recv_many(&mut notes, CHANGES_MAX) => count == 0,
                () = self.moved.notified() => false,
                () = stop.asked() => true,
            };
            let is_awaited = notes.iter().any(|note| matches!(note, Note::Flush(_)));
            if !is_last && !is_awaited {
                tokio::select! {
                    () = tokio::time::sleep(RECORD_INTERVAL) => {}
                    () = stop.asked() => {}
                }
            }
            let is_written = self.write(notes, &mut stop).await?;
            if is_last || !is_written {
                return Ok(());
            }
        }
    }

    /// Records `notes`; returns whether it could. If not, nothing may be recorded after it: a cursor would pass over
    /// the lost changes.
    async fn write(&mut self, mut notes: Vec<Note>, stop: &mut Shutdown) -> Result<bool, store::Error> {
        // The cursors first: the changes that they pass are all among the pending ones by then, at most as many as are
        // read here.
        let cursors = self.registry.moved_cursors();
        for _ in 0..CHANGES_MAX {
            let Ok(note) = self.changes.try_recv() else { break };
            notes.push(note);
        }
        let mut changes = Vec::with_capacity(notes.len() + cursors.len());
        let mut awaited = Vec::new();
        let mut healths = HashSet::new();
        for note in notes {
            match note {
                Note::Changes(more) => changes.extend(more),
                Note::Health(webhook) => {
                    healths.insert(webhook);
                }
                Note::Flush(done) => awaited.push(done),
            }
        }
        changes.extend(healths.into_iter().filter_map(|webhook| {
            let state = self.registry.get(&webhook)?.health().to_stored();
            Some(DeliveryChange::State { webhook, state })
        }));
        changes.extend(cursors.iter().map(|(webhook, _, position)| cursor_change(webhook, *position)));
        while !changes.is_empty() {
            reach(FailPoint::RecordBegun);
            match self.ledger.record(Vec::new(), changes.clone()).await {
                Ok(()) => {
                    reach(FailPoint::RecordDone);
                    break;
                }
                Err(error @ (store::Error::Fatal { .. } | store::Error::Closed)) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "could not save webhook positions; retrying");
                    tokio::select! {
                        () = tokio::time::sleep(AGAIN_AFTER) => {}
                        // A change that is not recorded is delivered again after the next start.
                        () = stop.asked() => return Ok(false),
                    }
                }
            }
        }
        for (_, entry, position) in cursors {
            entry.cursor.set_written(position);
        }
        for done in awaited {
            // The caller may have stopped waiting.
            let _ = done.send(());
        }
        Ok(true)
    }
}

fn cursor_change(webhook: &WebhookId, position: Position) -> DeliveryChange {
    DeliveryChange::Cursor { webhook: webhook.clone(), position }
}
