//! Starting attempts: what may go out now, and what it is.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::webhook::breaker::Admission;
use fanfare_core::webhook::payload::Batch;
use tokio::time::Instant;

use crate::store;
use crate::webhooks::attempt::{self, Job};
use crate::webhooks::worker::source::Taken;
use crate::webhooks::worker::{Landed, Worker};

impl Worker {
    /// Starts what may be started. Says whether the log is to be read on: there is room for what comes.
    pub(super) fn launch(&mut self) -> Result<bool, store::Error> {
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
                Job {
                    events: vec![event],
                    number: 1,
                    body,
                    content_type: payload.content_type(false),
                    by_hand: None,
                }
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
                    by_hand: None,
                }
            }
        };
        let flight = self.flight(job);
        self.flights.push(Box::pin(async move { Ok(flight.await) }));
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
            let Some(row) = parts.store.delivery(&id, seq).await? else { return Ok(Landed::Unwanted(seq)) };
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
                by_hand: None,
            };
            let now = parts.now();
            let (attempt, connection) = attempt::make(&parts.dialer, id, target, &keys, job, idle, now).await;
            Ok(Landed::Attempted(Box::new((attempt, connection))))
        }));
    }

    fn flight(&mut self, job: Job) -> impl Future<Output = Landed> + Send + use<> {
        let (parts, id) = (Arc::clone(&self.parts), self.id.clone());
        let (target, keys) = (Arc::clone(&self.target), Arc::clone(&self.keys));
        let idle = self.idle.pop();
        let now = parts.now();
        async move {
            let (attempt, connection) = attempt::make(&parts.dialer, id, target, &keys, job, idle, now).await;
            Landed::Attempted(Box::new((attempt, connection)))
        }
    }
}
