//! The recorder: writes down how far every webhook is, and what failed, many changes in one transaction.
//!
//! A cursor that is not written yet is only a delivery that may be made twice, with the same id: so it waits for
//! others. What a cursor passes over because it failed is written in the same transaction as the cursor.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::WebhookId;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::cursor::Cursor;
use crate::registry::Registry;
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;
use fanfare_store::Ledger;
use fanfare_store::webhooks::DeliveryChange;

/// How long changes are gathered: what was delivered in it may be delivered again after a crash.
pub const RECORD_INTERVAL: Duration = Duration::from_millis(50);
/// Most attempts whose changes wait: a receiver that fails faster than the store writes waits for it.
const CHANGES_MAX: usize = 4_096;
/// How long to wait when the store cannot write, as with a full disk. Deliveries go on meanwhile.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Takes changes to be written.
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
    /// Makes a recorder, and the work that must run for anything to be written.
    pub fn new(ledger: Arc<dyn Ledger>, registry: Arc<Registry>) -> (Recorder, Recording) {
        let (changes, received) = mpsc::channel(CHANGES_MAX);
        let moved = Arc::new(Notify::new());
        let recording = Recording { ledger, registry, changes: received, moved: Arc::clone(&moved) };
        (Recorder { changes, moved }, recording)
    }

    /// Takes a change; waits while too many wait.
    pub async fn put(&self, change: DeliveryChange) {
        self.put_all(vec![change]).await;
    }

    /// Takes changes that are written together or not at all: those of one attempt, which may be at a batch.
    pub async fn put_all(&self, changes: Vec<DeliveryChange>) {
        // Nobody records any more when the store has failed, and the process ends.
        let _ = self.changes.send(Note::Changes(changes)).await;
    }

    /// Has written down how a webhook fares, as it fares when that is written: of two changes at the same moment, by
    /// hand and by what a receiver answered, none undoes the other.
    pub async fn put_health(&self, webhook: WebhookId) {
        // As with `put`.
        let _ = self.changes.send(Note::Health(webhook)).await;
    }

    /// Notes how far a webhook is. What it passes over must have been [`put`](Recorder::put) before.
    pub fn moved(&self, cursor: &Cursor, seq: u64) {
        if cursor.set(seq) {
            self.moved.notify_one();
        }
    }

    /// Waits until everything that was put before is written.
    pub async fn flushed(&self) {
        let (done, flushed) = oneshot::channel();
        if self.changes.send(Note::Flush(done)).await.is_ok() {
            // A recorder that is gone writes no more.
            let _ = flushed.await;
        }
    }
}

/// The recorder's own work.
#[derive(Debug)]
pub struct Recording {
    ledger: Arc<dyn Ledger>,
    registry: Arc<Registry>,
    changes: mpsc::Receiver<Note>,
    moved: Arc<Notify>,
}

impl Recording {
    /// Writes until `stop` turns true, and then what is left. Fails when the store can no longer be trusted.
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

    /// Writes what there is; says whether it could. If not, nothing may be written after it: a cursor would pass over
    /// what was lost.
    async fn write(&mut self, mut notes: Vec<Note>, stop: &mut Shutdown) -> Result<bool, store::Error> {
        // The cursors first: whatever they pass over is among the changes by then, of which no more than this wait.
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
        changes.extend(cursors.iter().map(|(webhook, _, seq)| cursor_change(webhook, *seq)));
        while !changes.is_empty() {
            reach(FailPoint::RecordBegun);
            match self.ledger.record(changes.clone()).await {
                Ok(()) => {
                    reach(FailPoint::RecordDone);
                    break;
                }
                Err(error @ (store::Error::Fatal { .. } | store::Error::Closed)) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "how far webhooks are could not be written down; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(AGAIN_AFTER) => {}
                        // What is not written down is delivered again by the next start.
                        () = stop.asked() => return Ok(false),
                    }
                }
            }
        }
        for (_, entry, seq) in cursors {
            entry.cursor.set_written(seq);
        }
        for done in awaited {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
        Ok(true)
    }
}

fn cursor_change(webhook: &WebhookId, seq: u64) -> DeliveryChange {
    DeliveryChange::Cursor { webhook: webhook.clone(), seq }
}
