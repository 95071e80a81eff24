//! The worker of one webhook: reads the log from its cursor, makes the attempts, and decides what follows from each.

mod again;
mod ahead;
mod idle;
mod intake;
mod land;
mod launch;
mod pace;
mod reading;
mod receiver;
mod reporting;
mod retries;
mod source;

use std::collections::BTreeSet;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Position, Timestamp, WebhookId};
use fanfare_webhook::breaker::Breaker;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::attempt::Made;
use crate::parts::Parts;
use crate::registry::Entry;
use crate::webhook::Webhook;
use crate::worker::idle::Idle;
use crate::worker::pace::Pace;
use crate::worker::reading::Reading;
use crate::worker::receiver::Receiver;
use crate::worker::reporting::Reporting;
use crate::worker::retries::{Parcel, Retries};
use crate::worker::source::Ready;
use fanfare_hub::purges::Mark;
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;
use fanfare_store::Lease;
use fanfare_store::webhooks::DeliveryRow;

/// Maximum time for attempts in flight when the gateway stops; those that are cut off are repeated after the
/// start. Most receivers answer sooner, and one that hangs must not hold up a restart.
const STOP_MAX: Duration = Duration::from_secs(1);
/// Maximum time for them when the log is replaced; those that are cut off are repeated from the new log.
const REPLACE_MAX: Duration = Duration::from_secs(5);

/// The result of an attempt.
enum Landing {
    /// The attempt was made.
    Made(Box<Made>),
    /// No attempt was made: every event in it expired while it waited. The rows were taken at this mark.
    Expired(Parcel, Mark, Vec<DeliveryRow>),
    /// No attempt was made: it was no longer needed.
    Unwanted(Parcel),
}

/// The attempts in flight. Each is a task of its own: while the worker waits for the store, it goes on, and what it holds
/// is released.
type Flights = JoinSet<Result<Landing, store::Error>>;

/// The worker of one webhook.
pub(super) struct Worker {
    parts: Arc<Parts>,
    entry: Arc<Entry>,
    id: WebhookId,
    /// The claim under which outcomes are recorded.
    lease: Lease,
    receiver: Receiver,
    reading: Reading,
    retries: Retries,
    pace: Pace,
    /// The new events that were sent in a row although a retry was due.
    passed_retries: u32,
    flights: Flights,
    idle: Idle,
    reporting: Reporting,
    /// Whether the webhook was paused at the last look.
    was_paused: bool,
    /// When the purges were last looked at: everything in hand was taken at this mark or later.
    mark: Mark,
    signals: Signals,
}

/// The signals that a worker receives.
#[derive(Clone)]
struct Signals {
    /// Notified when the owner changes the webhook.
    definition: watch::Receiver<Arc<Webhook>>,
    /// The same as [`Entry::nudges`].
    nudges: watch::Receiver<u64>,
    /// Notified when a purge has ended.
    purges: watch::Receiver<Mark>,
    /// The same as [`Parts::ticks`].
    ticks: watch::Receiver<()>,
}

/// Why a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The log was replaced: another worker goes on in the new one.
    LogReplaced,
    /// The gateway stops.
    Stopped,
}

/// A signal that was received.
enum Signal {
    Definition,
    LogReplaced,
    Nudge,
    Purge,
    Stop,
    Tick,
}

impl Worker {
    /// Starts at the position in the store. Without `has_rows`, the store has no deliveries that wait or failed.
    pub(super) async fn start(
        parts: Arc<Parts>,
        entry: Arc<Entry>,
        lease: Lease,
        has_rows: bool,
    ) -> Result<Worker, store::Error> {
        // Before the first look, so that no later change is missed.
        let signals = Signals {
            definition: entry.definition.subscribe(),
            nudges: entry.nudges.subscribe(),
            purges: parts.hub.purges().marks(),
            ticks: parts.ticks.subscribe(),
        };
        let mark = parts.hub.purges().mark();
        let webhook = entry.webhook();
        let head = parts.hub.extent();
        let cursor = Position { epoch: head.epoch, seq: head.resume(entry.cursor.get()) };
        let mut retries = Retries::default();
        let mut settled = BTreeSet::new();
        if has_rows {
            parts.recorder.flushed().await;
            retries.load(&parts, &webhook.id, last_failure(&entry)).await?;
            settled = again::settled(&*parts.ledger, &webhook.id, cursor).await?;
        }
        let (begun, early) = entry.change_health(|health| (health.batches.clone(), health.early.clone()));
        // They were delivered out of turn, and the cursor has not passed them.
        let is_after = |early: &Position| early.epoch == cursor.epoch && early.seq > cursor.seq;
        settled.extend(early.iter().filter(|early| is_after(early)).map(|early| early.seq));
        let reading = Reading::open(&parts.hub, &webhook, cursor, &begun, settled).await?;
        let receiver = Receiver::new(&parts, Arc::clone(&webhook));
        Ok(Worker {
            id: webhook.id.clone(),
            lease,
            idle: Idle::new(Arc::clone(&receiver.target)),
            receiver,
            reading,
            retries,
            pace: Pace::new(),
            passed_retries: 0,
            flights: Flights::new(),
            reporting: entry.change_health(|health| Reporting::new(health)),
            was_paused: entry.is_paused(),
            mark,
            signals,
            parts,
            entry,
        })
    }

    /// Works until the webhook is removed, the gateway stops, or the log is replaced. Fails if the store can no longer
    /// be trusted.
    pub(super) async fn run(mut self, mut stop: Shutdown) -> Result<Ended, store::Error> {
        // Separate from the rest, which changes while the signals are awaited.
        let mut signals = self.signals.clone();
        let ended = loop {
            // One future for all rare signals, kept while attempts end: polling each of them anew costs more.
            let told = self.work(pin!(signals.told(&mut stop))).await?;
            match told {
                Signal::LogReplaced => break Ended::LogReplaced,
                Signal::Definition => self.redefine().await?,
                Signal::Nudge => self.read_retries().await?,
                Signal::Purge => self.drop_purged().await?,
                Signal::Stop => break Ended::Stopped,
                Signal::Tick => self.save(),
            }
        };
        let landing = async {
            while !self.flights.is_empty() {
                let all = landed(&mut self.flights).await?;
                self.land_all(all).await;
            }
            Ok(())
        };
        // An attempt that is cut off is not recorded, so it is repeated.
        let patience = match ended {
            Ended::LogReplaced => REPLACE_MAX,
            Ended::Stopped => STOP_MAX,
        };
        let landed = tokio::time::timeout(patience, landing).await.unwrap_or(Ok(()));
        self.save();
        landed.map(|()| ended)
    }

    /// Makes attempts until a signal arrives.
    async fn work(
        &mut self,
        mut told: Pin<&mut impl Future<Output = Signal>>,
    ) -> Result<Signal, store::Error> {
        loop {
            // A change made before an event was pushed applies to that event, even if both signals arrive at once.
            if !Arc::ptr_eq(&self.entry.definition.borrow(), &self.receiver.webhook) {
                self.redefine().await?;
            }
            if !self.parts.hub.purges().is_present(&self.mark) {
                self.drop_purged().await?;
            }
            if self.retries.are_lacking() {
                self.read_retries().await?;
            }
            if self.reading.holds_too_much() || (self.reading.has_ahead() && self.entry.is_paused()) {
                self.reading.go_back(&self.parts.hub, &self.receiver.webhook).await?;
            }
            let turn = self.launch();
            if !turn.is_reading {
                // A receiver that hangs must not keep what was read for it in memory.
                self.reading.let_go(!self.flights.is_empty());
            }
            self.note_hold();
            tokio::select! {
                landed = landed(&mut self.flights), if !self.flights.is_empty() => self.land_all(landed?).await,
                ready = self.reading.ready(), if turn.is_reading => {
                    match ready? {
                        Ready::Events => self.note_lost().await,
                        Ready::LogReplaced => return Ok(Signal::LogReplaced),
                        Ready::Stopping => return Ok(Signal::Stop),
                    }
                }
                () = sleep_until(turn.wake_at), if turn.wake_at.is_some() => {}
                () = self.idle.due(), if !self.idle.is_empty() => self.idle.close_due(),
                told = told.as_mut() => return Ok(told),
            }
        }
    }

    /// Reloads the waiting retries from the store.
    async fn read_retries(&mut self) -> Result<(), store::Error> {
        // A recent failure may not be recorded yet, and would be lost.
        self.parts.recorder.flushed().await;
        self.retries.load(&self.parts, &self.id, last_failure(&self.entry)).await
    }

    /// Switches to another definition. If it is for other events, the unread part of the log is read with the new one.
    async fn redefine(&mut self) -> Result<(), store::Error> {
        let webhook = self.entry.webhook();
        let before = &self.receiver.webhook;
        // What was read ahead was selected and sorted under the old settings, and the payload `original` is not for all
        // events.
        let has_other_payload = webhook.options.payload != before.options.payload;
        let has_other_filter = webhook.options.filter != before.options.filter;
        if has_other_payload || has_other_filter || self.reading.has_ahead() {
            self.reading.filter_anew(&self.parts.hub, &webhook).await?;
        }
        self.pace.breaker = Breaker::default();
        self.receiver = Receiver::new(&self.parts, webhook);
        self.idle.lead_to(Arc::clone(&self.receiver.target));
        Ok(())
    }

    /// Drops the events in hand that were purged.
    async fn drop_purged(&mut self) -> Result<(), store::Error> {
        let purges = self.parts.hub.purges();
        // Read first: a purge that ends during the check is then noticed at the next one.
        let before = std::mem::replace(&mut self.mark, purges.mark());
        self.reading.drop_purged(&self.parts.hub, &self.receiver.webhook, &before).await?;
        // What waits in line after a delivery that was removed need not wait until its time.
        if self.retries.are_waiting() && self.parts.hub.purges().took_deliveries(&before) {
            self.read_retries().await?;
        }
        Ok(())
    }

    /// Records whether new events are on hold: a pusher does not wait for such a webhook.
    fn note_hold(&mut self) {
        let is_paused = self.entry.is_paused();
        if self.was_paused && !is_paused {
            // Someone who resumes a webhook has fixed something.
            self.pace.breaker = Breaker::default();
        }
        self.was_paused = is_paused;
        self.entry.set_held_until(match self.pace.breaker {
            Breaker::Open { until, .. } => Some(self.on_the_wall(until)),
            Breaker::Closed { .. } | Breaker::HalfOpen { .. } => None,
        });
        let is_tripped = !matches!(self.pace.breaker, Breaker::Closed { .. });
        let is_in_line = self.receiver.webhook.options.ordered && self.retries.are_waiting();
        let is_held = is_paused || is_tripped || is_in_line || self.retries.is_full();
        if self.entry.set_held(is_held) && is_held {
            self.parts.first_attempts.recount();
        }
        if !self.entry.is_removed() {
            self.reporting.report(&self.receiver.webhook, &self.entry, is_tripped);
        }
    }

    /// Returns the time of an instant by the wall clock.
    fn on_the_wall(&self, at: Timestamp) -> Timestamp {
        let ahead = self.parts.now().as_micros().saturating_sub(self.parts.wall().as_micros());
        Timestamp::from_micros(at.as_micros().saturating_sub(ahead))
    }
}

impl Signals {
    /// Waits for a signal.
    async fn told(&mut self, stop: &mut Shutdown) -> Signal {
        tokio::select! {
            // None of the senders is dropped before this: the entry and the parts hold them.
            _ = self.definition.changed() => Signal::Definition,
            _ = self.nudges.changed() => Signal::Nudge,
            _ = self.purges.changed() => Signal::Purge,
            _ = self.ticks.changed() => Signal::Tick,
            () = stop.asked() => Signal::Stop,
        }
    }
}

/// Waits until an attempt has ended, and returns all that have, so that the follow-up work is done once for them.
async fn landed(flights: &mut Flights) -> Result<Vec<Landing>, store::Error> {
    let first = flights.join_next().await;
    let others = std::iter::from_fn(|| flights.try_join_next());
    let all = first.into_iter().chain(others);
    all.map(|landed| landed.unwrap_or_else(|error| resume_unwind(error.into_panic()))).collect()
}

fn last_failure(entry: &Entry) -> Option<Timestamp> {
    entry.change_health(|health| health.last_failure.as_ref().map(|(at, _)| *at))
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
