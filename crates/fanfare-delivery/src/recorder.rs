//! The recorder: saves the position of every webhook and what failed, many changes in one transaction.
//!
//! A cursor that is not saved yet only means that a delivery may be repeated, with the same id: so it waits for others.
//! A failure that a cursor passes is saved in the same transaction as the cursor.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Event, Position, WebhookId};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::attempt::Job;
use crate::cursor::Cursor;
use crate::registry::Registry;
use fanfare_hub::purges::{Mark, Purges};
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;
use fanfare_store::webhooks::DeliveryChange;
use fanfare_store::{Lease, Ledger};

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

/// The events of an attempt whose outcome is recorded, and when they were taken.
#[derive(Debug)]
pub(super) struct Taken {
    mark: Mark,
    events: Vec<Arc<Event>>,
}

impl From<&Job> for Taken {
    fn from(job: &Job) -> Taken {
        Taken { mark: job.mark.clone(), events: job.events.clone() }
    }
}

impl Taken {
    pub(super) fn new(mark: Mark, events: Vec<Arc<Event>>) -> Taken {
        Taken { mark, events }
    }

    /// Returns whether a change would bring back what was purged since.
    fn is_purged(&self, change: &DeliveryChange, purges: &Purges) -> bool {
        match change {
            DeliveryChange::Put(row) => purges.has_purged(&self.mark, &row.event),
            // A receiver can repeat what it got, so the record of an attempt at a batch goes with any of its events.
            DeliveryChange::Attempt(_) => purges.has_purged_any(&self.mark, &self.events),
            DeliveryChange::Cursor { .. } | DeliveryChange::Remove { .. } | DeliveryChange::State { .. } => {
                false
            }
        }
    }
}

#[derive(Debug)]
enum Note {
    /// Changes; the lease under which they were decided, `None` for changes by hand; and what they have of events.
    Changes(Option<Lease>, Option<Arc<Taken>>, Vec<DeliveryChange>),
    /// The health of a webhook, as above.
    Health(Option<Lease>, WebhookId),
    Flush(oneshot::Sender<()>),
}

impl Recorder {
    /// Creates a recorder, and the work that must run for anything to be recorded.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        registry: Arc<Registry>,
        purges: Arc<Purges>,
    ) -> (Recorder, Recording) {
        let (changes, received) = mpsc::channel(CHANGES_MAX);
        let moved = Arc::new(Notify::new());
        let recording = Recording { ledger, registry, purges, changes: received, moved: Arc::clone(&moved) };
        (Recorder { changes, moved }, recording)
    }

    /// Adds a change by hand that has nothing of an event; waits if too many changes are pending.
    pub async fn put(&self, change: DeliveryChange) {
        self.send(Note::Changes(None, None, vec![change])).await;
    }

    /// Adds the outcome of an attempt by hand.
    pub(super) async fn put_attempt(&self, taken: Taken, change: DeliveryChange) {
        self.send(Note::Changes(None, Some(Arc::new(taken)), vec![change])).await;
    }

    /// Adds changes that are recorded together: those of one attempt, which may be at a batch. They are dropped if
    /// another instance has claimed the webhook since `lease`, and those of events that were purged since they were
    /// taken.
    pub(super) async fn put_all(&self, lease: &Lease, taken: Taken, changes: Vec<DeliveryChange>) {
        self.send(Note::Changes(Some(lease.clone()), Some(Arc::new(taken)), changes)).await;
    }

    /// Requests that a webhook's health is recorded, as it is at the time of the write: of two simultaneous changes,
    /// one by hand and one by a response, neither undoes the other.
    pub async fn put_health(&self, webhook: WebhookId) {
        self.send(Note::Health(None, webhook)).await;
    }

    /// Requests the same after a response, for as long as no other instance has claimed the webhook.
    pub(super) async fn put_health_under(&self, lease: &Lease) {
        self.send(Note::Health(Some(lease.clone()), lease.webhook.clone())).await;
    }

    async fn send(&self, note: Note) {
        // Without a recorder, the store has failed and the process is ending.
        let _ = self.changes.send(note).await;
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
    purges: Arc<Purges>,
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
        let mut pending = Pending::default();
        let mut awaited = Vec::new();
        let mut healths = HashSet::new();
        for note in notes {
            match note {
                Note::Changes(lease, taken, changes) => pending.add(lease.as_ref(), taken.as_ref(), changes),
                Note::Health(lease, webhook) => {
                    healths.insert((lease, webhook));
                }
                Note::Flush(done) => awaited.push(done),
            }
        }
        for (lease, webhook) in healths {
            let Some(entry) = self.registry.get(&webhook) else { continue };
            let state = entry.health().to_stored();
            pending.add(lease.as_ref(), None, vec![DeliveryChange::State { webhook, state }]);
        }
        for (lease, _, position) in &cursors {
            let webhook = lease.webhook.clone();
            let moved = DeliveryChange::Cursor { webhook, position: *position };
            pending.add(Some(lease), None, vec![moved]);
        }
        while !pending.changes.is_empty() {
            reach(FailPoint::RecordBegun);
            let hold = self.purges.hold().await;
            for webhook in pending.drop_purged(&self.purges) {
                if let Some(entry) = self.registry.get(&webhook) {
                    // The rest of a batch waits under another of its events now.
                    entry.nudge();
                }
            }
            let recorded = self.ledger.record(pending.leases(), pending.changes()).await;
            drop(hold);
            match recorded {
                Ok(()) => {
                    reach(FailPoint::RecordDone);
                    break;
                }
                // The new owner makes these attempts again.
                Err(store::Error::Fenced { leases }) => {
                    pending.drop_fenced(&leases);
                    leases.iter().for_each(|lease| self.registry.lose(lease));
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

/// The changes to record together, in order, each with its lease and with what it has of events.
#[derive(Debug, Default)]
struct Pending {
    changes: Vec<(Option<Lease>, Option<Arc<Taken>>, DeliveryChange)>,
}

impl Pending {
    fn add(&mut self, lease: Option<&Lease>, taken: Option<&Arc<Taken>>, changes: Vec<DeliveryChange>) {
        self.changes.extend(changes.into_iter().map(|change| (lease.cloned(), taken.cloned(), change)));
    }

    /// Leaves out what would bring back what was purged; returns whose it was.
    fn drop_purged(&mut self, purges: &Purges) -> HashSet<WebhookId> {
        let mut dropped = HashSet::new();
        self.changes.retain(|(_, taken, change)| {
            let is_purged = taken.as_ref().is_some_and(|taken| taken.is_purged(change, purges));
            if is_purged {
                dropped.insert(change.webhook().clone());
            }
            !is_purged
        });
        dropped
    }

    fn leases(&self) -> Vec<Lease> {
        let leases: HashSet<&Lease> = self.changes.iter().filter_map(|(lease, ..)| lease.as_ref()).collect();
        leases.into_iter().cloned().collect()
    }

    fn changes(&self) -> Vec<DeliveryChange> {
        self.changes.iter().map(|(.., change)| change.clone()).collect()
    }

    fn drop_fenced(&mut self, fenced: &[Lease]) {
        let fenced: HashSet<&Lease> = fenced.iter().collect();
        self.changes.retain(|(lease, ..)| lease.as_ref().is_none_or(|lease| !fenced.contains(lease)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use fanfare_core::{Principal, WebhookId};
    use fanfare_hub::purges::Purges;
    use fanfare_runtime::shutdown::Trigger;
    use fanfare_store::webhooks::{DeliveryChange, WebhookRow};
    use fanfare_store::{InstanceId, Lease, Retention};
    use fanfare_store_suite::harness::{Log, Setup};
    use fanfare_store_suite::hooks::{all_attempts, attempt, hook, id};
    use fanfare_store_suite::memory::InMemory;
    use fanfare_webhook::options::Options;

    use super::{Recorder, Taken};
    use crate::registry::Registry;
    use crate::webhook::{Keys, Webhook};

    const TERM: Duration = Duration::from_secs(10);

    fn row(log: &Log, number: usize) -> WebhookRow {
        let row = hook(log, number);
        let webhook = Webhook {
            mode: fanfare_webhook::policy::Mode::Local,
            id: row.id.clone(),
            name: None,
            owner: Principal::local().owner(),
            url: row.url.parse().expect("a URL"),
            options: Options::default(),
            keys: Keys::new(None),
            created: log.clock.now(),
            begins_after: log.at(0),
            revision: 1,
        };
        WebhookRow { settings: webhook.settings(), ..row }
    }

    async fn claim(log: &Log, instance: InstanceId, webhooks: &[WebhookId]) -> Vec<Lease> {
        let claims = log.store.ledger.claim(instance, webhooks.to_vec(), TERM).await.expect("asked");
        claims.into_iter().map(|claim| claim.lease).collect()
    }

    #[tokio::test]
    async fn what_an_earlier_owner_reports_too_late_is_dropped_and_the_rest_recorded() {
        let log = InMemory.start(Retention::default());
        log.append(&["x"; 5]).await;
        let ledger = &log.store.ledger;
        for number in [1, 2] {
            ledger.insert_webhook(row(&log, number)).await.expect("registered");
        }
        let registry = Arc::new(Registry::new(ledger.webhooks().await.expect("webhooks")).expect("whole"));
        let (recorder, recording) = Recorder::new(Arc::clone(ledger), Arc::clone(&registry), Arc::default());
        let leases = claim(&log, InstanceId::random(), &[id(1), id(2)]).await;
        for (lease, seq) in leases.iter().zip([3, 4]) {
            let entry = registry.get(&lease.webhook).expect("registered");
            entry.sender.set_here(lease.clone());
            recorder.moved(&entry.cursor, log.at(seq));
            entry.change_health(|health| health.lost_up_to = Some(log.at(7)));
        }
        registry.take_changed();
        log.clock.turn(TERM);
        let taken = claim(&log, InstanceId::random(), &[id(1)]).await;

        for (lease, number) in leases.iter().zip([1, 2]) {
            let taken = Taken::new(Purges::default().mark(), Vec::new());
            recorder.put_all(lease, taken, vec![attempt(&log, number, 1, false)]).await;
            recorder.put_health_under(lease).await;
        }
        let by_hand = DeliveryChange::State { webhook: id(1), state: "by hand".into() };
        recorder.put(by_hand).await;
        let (_trigger, stop) = Trigger::new();
        tokio::select! {
            ended = recording.run(stop) => panic!("it ended: {ended:?}"),
            () = recorder.flushed() => {}
        }

        let rows = ledger.webhooks().await.expect("webhooks");
        assert_eq!((rows[0].cursor.seq, &*rows[0].state), (0, "by hand"));
        assert_eq!((rows[1].cursor.seq, rows[1].state.contains('7')), (4, true));
        let attempts = ledger.attempts(all_attempts()).await.expect("attempts");
        assert_eq!(attempts.iter().map(|attempt| &attempt.webhook).collect::<Vec<_>>(), [&id(2)]);
        let lost = registry.take_changed().pop().expect("the dispatcher ends its worker");
        assert_eq!(lost.0, taken[0].webhook);
        assert!(lost.1.expect("it is registered").sender.is_elsewhere());
    }
}
