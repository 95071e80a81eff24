//! The worker of one webhook: reads the log from its cursor, makes the attempts, and decides what follows from each.

mod retries;
mod source;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::webhook::WebhookId;
use fanfare_core::webhook::breaker::{Admission, Breaker};
use fanfare_core::webhook::payload::Batch;
use fanfare_core::webhook::retry::Verdict;
use fanfare_core::webhook::signature::SigningKeys;
use fanfare_core::{Event, Timestamp};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::shutdown::Shutdown;
use crate::store;
use crate::store::webhooks::{DeliveryChange, DeliveryRow, DeliveryStatus};
use crate::webhooks::attempt::{self, Attempt, Job};
use crate::webhooks::client::connection::Connection;
use crate::webhooks::dispatcher::Parts;
use crate::webhooks::registry::Entry;
use crate::webhooks::target::Target;
use crate::webhooks::webhook::Webhook;
use crate::webhooks::window::Window;
use crate::webhooks::worker::retries::Retries;
use crate::webhooks::worker::source::{Source, Taken};

/// Most connections that are kept open to a receiver while nothing is sent.
const IDLE_CONNECTIONS_MAX: usize = 16;
/// How long attempts that are under way may take when the gateway stops; what is cut off is made again at the start.
const STOP_MAX: Duration = Duration::from_secs(5);

/// What an attempt gives back.
struct Landed {
    attempt: Attempt,
    connection: Option<Connection>,
}

type Flight = Pin<Box<dyn Future<Output = Result<Option<Landed>, store::Error>> + Send>>;

/// The worker of one webhook.
pub(super) struct Worker {
    parts: Arc<Parts>,
    entry: Arc<Entry>,
    id: WebhookId,
    webhook: Arc<Webhook>,
    target: Arc<Target>,
    keys: Arc<SigningKeys>,
    source: Source,
    window: Window,
    retries: Retries,
    breaker: Breaker,
    flights: FuturesUnordered<Flight>,
    idle: Vec<Connection>,
    /// When the next delivery may go out, where a rate is set.
    next_slot: Instant,
    /// Since when events wait for others to make a batch.
    gathering_since: Option<Instant>,
    /// When the breaker lets something through again.
    held_until: Option<Instant>,
}

impl Worker {
    /// Starts where the store has it.
    pub(super) async fn start(parts: Arc<Parts>, entry: Arc<Entry>) -> Result<Worker, store::Error> {
        let webhook = entry.webhook();
        let cursor = entry.cursor.get();
        let source = Source::open(&parts.hub, &webhook.options.filter, cursor).await?;
        let retries = Retries::load(&*parts.store, &webhook.id).await?;
        let (target, keys) = prepared(&parts, &webhook);
        Ok(Worker {
            id: webhook.id.clone(),
            window: Window::new(cursor),
            target,
            keys,
            webhook,
            source,
            retries,
            breaker: Breaker::default(),
            flights: FuturesUnordered::new(),
            idle: Vec::new(),
            next_slot: Instant::now(),
            gathering_since: None,
            held_until: None,
            parts,
            entry,
        })
    }

    /// Works until the webhook is removed or the gateway stops. Fails when the store can no longer be trusted.
    pub(super) async fn run(mut self, mut stop: Shutdown) -> Result<(), store::Error> {
        let mut definition = self.entry.definition.subscribe();
        let mut nudges = self.entry.nudges.subscribe();
        loop {
            let is_reading = self.launch()?;
            let wake_at = self.wakes_at();
            tokio::select! {
                Some(landed) = self.flights.next(), if !self.flights.is_empty() => self.land(landed?).await,
                ready = self.source.ready(), if is_reading => {
                    if !ready? {
                        break;
                    }
                    self.note_lost().await;
                }
                () = sleep_until(wake_at), if wake_at.is_some() => {}
                changed = definition.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.redefine().await?;
                }
                _ = nudges.changed() => self.retries = Retries::load(&*self.parts.store, &self.id).await?,
                () = stop.asked() => break,
            }
        }
        let landing = async {
            while let Some(landed) = self.flights.next().await {
                self.land(landed?).await;
            }
            Ok(())
        };
        // What is cut off is not recorded, so it is made again.
        tokio::time::timeout(STOP_MAX, landing).await.unwrap_or(Ok(()))
    }

    /// Starts what may be started. Says whether the log is to be read on: there is room for what comes.
    fn launch(&mut self) -> Result<bool, store::Error> {
        loop {
            let room = (self.webhook.options.in_flight_max() as usize).saturating_sub(self.flights.len());
            if room == 0 || self.entry.health().is_paused() {
                return Ok(false);
            }
            if !self.retries.is_due() && !self.may_read() {
                return Ok(false);
            }
            if !self.retries.is_due() && !self.source.has_events() {
                return Ok(true);
            }
            if self.webhook.options.rate_per_second.is_some() && Instant::now() < self.next_slot {
                return Ok(false);
            }
            if !self.retries.is_due() && !self.is_gathered() {
                return Ok(true);
            }
            if !self.is_admitted() {
                return Ok(false);
            }
            if let Some(rate) = self.webhook.options.rate_per_second {
                self.next_slot = self.next_slot.max(Instant::now()) + Duration::from_secs(1) / rate;
            }
            self.launch_one();
        }
    }

    /// Says whether new events may go out: not before what waits, when they are ordered; and not while more failed
    /// than is kept track of.
    fn may_read(&self) -> bool {
        !self.retries.is_full()
            && !(self.webhook.options.ordered && !(self.retries.is_empty() && self.flights.is_empty()))
    }

    fn is_admitted(&mut self) -> bool {
        match self.breaker.admit(self.parts.now()) {
            Admission::Go | Admission::Probe => {
                self.held_until = None;
                true
            }
            Admission::Wait { until } => {
                self.held_until = Some(self.parts.instant(until));
                if self.entry.set_held(true) {
                    self.parts.first_attempts.recount();
                }
                false
            }
        }
    }

    /// Says whether a batch is full, or has waited long enough.
    fn is_gathered(&mut self) -> bool {
        let Some(batch) = self.webhook.options.batch else { return true };
        let since = *self.gathering_since.get_or_insert_with(Instant::now);
        self.source.len() >= batch.max_events as usize || since.elapsed() >= batch.max_wait
    }

    fn launch_one(&mut self) {
        if let Some(due) = self.retries.take_due() {
            return self.fly_again(due);
        }
        self.gathering_since = None;
        let payload = self.webhook.options.payload;
        let job = match self.webhook.options.batch {
            None => {
                let Some(Taken { event, body }) = self.source.take(payload) else { return };
                self.window.take(event.position.seq);
                Job { events: vec![event], number: 1, body, content_type: payload.content_type(false) }
            }
            Some(options) => {
                let mut batch = Batch::new(payload, options.max_events as usize);
                let mut events = Vec::new();
                while let Some(event) = self.source.next_event() {
                    if !batch.push(event) {
                        break;
                    }
                    let event = Arc::clone(event);
                    self.source.pass();
                    self.window.take(event.position.seq);
                    events.push(event);
                }
                if events.is_empty() {
                    return;
                }
                Job {
                    events,
                    number: 1,
                    body: batch.finish().into(),
                    content_type: payload.content_type(true),
                }
            }
        };
        let flight = self.flight(job);
        self.flights.push(Box::pin(async move { Ok(Some(flight.await)) }));
    }

    /// Makes the next attempt of what failed before: the store has it.
    fn fly_again(&mut self, seq: u64) {
        let (parts, id) = (Arc::clone(&self.parts), self.id.clone());
        let options = self.webhook.options.clone();
        let (target, keys) = (Arc::clone(&self.target), Arc::clone(&self.keys));
        let idle = self.idle.pop();
        self.flights.push(Box::pin(async move {
            // What failed a moment ago may not be written yet.
            parts.recorder.flushed().await;
            let Some(row) = parts.store.delivery(&id, seq).await? else { return Ok(None) };
            let body = match options.batch {
                None => options.payload.body(&row.event),
                Some(_) => {
                    let mut batch = Batch::new(options.payload, 1);
                    batch.push(&row.event);
                    batch.finish()
                }
            };
            let job = Job {
                number: row.attempts + 1,
                body: body.into(),
                content_type: options.payload.content_type(options.batch.is_some()),
                events: vec![row.event],
            };
            let now = parts.now();
            let (attempt, connection) = attempt::make(&parts.dialer, id, target, &keys, job, idle, now).await;
            Ok(Some(Landed { attempt, connection }))
        }));
    }

    fn flight(&mut self, job: Job) -> impl Future<Output = Landed> + Send + use<> {
        let (parts, id) = (Arc::clone(&self.parts), self.id.clone());
        let (target, keys) = (Arc::clone(&self.target), Arc::clone(&self.keys));
        let idle = self.idle.pop();
        let now = parts.now();
        async move {
            let (attempt, connection) = attempt::make(&parts.dialer, id, target, &keys, job, idle, now).await;
            Landed { attempt, connection }
        }
    }

    /// Takes what an attempt gave back, and decides what follows.
    async fn land(&mut self, landed: Option<Landed>) {
        // A delivery that is no longer wanted was not made.
        let Some(Landed { attempt, connection }) = landed else { return };
        if let Some(connection) = connection.filter(|_| self.idle.len() < IDLE_CONNECTIONS_MAX) {
            self.idle.push(connection);
        }
        let now = self.parts.now();
        self.breaker.record(attempt.outcome, now);
        let failing_max = self.parts.failing_max;
        let (is_news, stored, is_paused) = self.entry.change_health(|health| {
            let is_news = health.record(attempt.outcome, now, failing_max);
            (is_news, is_news.then(|| health.to_stored()), health.is_paused())
        });
        let is_delivered = attempt.is_delivered();
        let is_held = is_paused || !matches!(self.breaker, Breaker::Closed { .. });
        if self.entry.set_held(is_held) && is_held {
            self.parts.first_attempts.recount();
        }
        if is_news && let Some(state) = stored {
            let change = DeliveryChange::State { webhook: self.id.clone(), state };
            self.parts.recorder.put(change).await;
        }
        let seqs = attempt.job.events.iter().map(|event| event.position.seq);
        if attempt.job.number == 1 {
            self.parts.first_attempts.report(&self.id, seqs.clone(), is_delivered);
        }
        if !is_delivered {
            self.parts.recorder.put(DeliveryChange::Attempt(attempt.to_row())).await;
        }
        let random = rand::random();
        let verdict = self.webhook.options.retry.judge(attempt.job.number, attempt.outcome, now, random);
        for event in &attempt.job.events {
            self.conclude(event, &attempt, verdict, now).await;
        }
        for event in &attempt.job.events {
            self.window.done(event.position.seq);
        }
        self.parts.metrics.webhook_attempt(attempt.outcome.category());
        self.entry.remember(Arc::new(attempt));
        self.save();
    }

    /// Writes down what became of one delivery.
    async fn conclude(&mut self, event: &Arc<Event>, attempt: &Attempt, verdict: Verdict, now: Timestamp) {
        let seq = event.position.seq;
        let status = match verdict {
            Verdict::Delivered => {
                if attempt.job.number > 1 {
                    let change = DeliveryChange::Remove { webhook: self.id.clone(), seq };
                    self.parts.recorder.put(change).await;
                }
                return;
            }
            Verdict::Retry { at } => {
                self.retries.add(seq, self.parts.instant(at));
                DeliveryStatus::Waiting(at)
            }
            Verdict::DeadLetter(_) => DeliveryStatus::Dead(now),
        };
        let row = DeliveryRow {
            webhook: self.id.clone(),
            event: Arc::clone(event),
            attempts: attempt.job.number,
            status,
            failure: attempt.outcome.category().into(),
        };
        self.parts.recorder.put(DeliveryChange::Put(row)).await;
    }

    /// Writes down that retention removed what was not sent yet: whoever looks at the webhook has to see it.
    async fn note_lost(&mut self) {
        let Some(seq) = self.source.take_lost() else { return };
        tracing::warn!(webhook = %self.id, up_to = seq, "events were removed before this webhook was sent them");
        let state = self.entry.change_health(|health| {
            health.lost_up_to = Some(seq);
            health.to_stored()
        });
        self.parts.recorder.put(DeliveryChange::State { webhook: self.id.clone(), state }).await;
    }

    /// Notes how far it is.
    fn save(&mut self) {
        if !self.source.has_events() {
            self.window.pass(self.source.settle());
        }
        self.parts.recorder.moved(&self.entry.cursor, self.window.cursor());
    }

    /// Takes another definition. With another filter, what was not read yet is read with that.
    async fn redefine(&mut self) -> Result<(), store::Error> {
        let webhook = self.entry.webhook();
        if webhook.options.filter != self.webhook.options.filter {
            let after = self.window.read();
            self.source = Source::open(&self.parts.hub, &webhook.options.filter, after).await?;
        }
        if webhook.url != self.webhook.url {
            self.idle.clear();
        }
        self.breaker = Breaker::default();
        (self.target, self.keys) = prepared(&self.parts, &webhook);
        self.webhook = webhook;
        Ok(())
    }

    /// Gives when something is to be done that nobody tells.
    fn wakes_at(&self) -> Option<Instant> {
        if self.entry.health().is_paused() {
            return None;
        }
        let rated = self.webhook.options.rate_per_second.map(|_| self.next_slot);
        let batch = self.webhook.options.batch.zip(self.gathering_since);
        let gathered = batch.map(|(batch, since)| since + batch.max_wait);
        let due = self.retries.next();
        let now = Instant::now();
        let moments = [self.held_until, rated.filter(|slot| *slot > now), gathered, due];
        // What holds everything back is waited for first; what is due already waits for an attempt to end.
        match self.held_until {
            Some(until) => Some(until),
            None => moments.into_iter().flatten().filter(|moment| *moment > now).min(),
        }
    }
}

fn prepared(parts: &Parts, webhook: &Webhook) -> (Arc<Target>, Arc<SigningKeys>) {
    let target = Target::new(webhook, &parts.hub.epoch().to_string());
    (Arc::new(target), Arc::new(webhook.signing_keys()))
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
