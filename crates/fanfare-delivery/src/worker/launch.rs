//! Starting attempts: which events may be sent now, and in which payload.

use std::sync::Arc;

use fanfare_core::Event;
use tokio::time::Instant;

use crate::attempt::{self, Job};
use crate::filling::is_of_log;
use crate::worker::ahead::PASSES_MAX;
use crate::worker::reading::{Batched, Waiting};
use crate::worker::retries::Parcel;
use crate::worker::source::Envelope;
use crate::worker::{Landing, Worker};
use fanfare_runtime::fail_point::{FailPoint, reach};

/// The conditions that a worker waits for after it has started every attempt that it may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// Whether to read on in the log, because there is room for more events.
    pub(super) is_reading: bool,
    /// The time of the next work that nothing announces.
    pub(super) wake_at: Option<Instant>,
}

impl Turn {
    /// Wait for an attempt to end, or for a signal.
    const IDLE: Turn = Turn { is_reading: false, wake_at: None };

    fn until(moment: Option<Instant>) -> Turn {
        Turn { is_reading: false, wake_at: moment }
    }
}

impl Worker {
    /// Starts every attempt that may be started. Everything that depends on the time uses one moment, and the worker
    /// waits for what that moment has not reached: a moment that passes meanwhile is not missed.
    pub(super) fn launch(&mut self) -> Turn {
        let by_priority = self.receiver.webhook.options.goes_by_priority();
        loop {
            let in_flight_max = self.receiver.webhook.options.in_flight_max() as usize;
            if self.entry.is_paused() || self.entry.is_removed() {
                return Turn::IDLE;
            }
            if self.flights.len() >= in_flight_max {
                return Turn { is_reading: by_priority && self.reading.look_ahead(), wake_at: None };
            }
            let now = Instant::now();
            let due = self.retries.next();
            let is_due = due.is_some_and(|due| due <= now) && !(by_priority && self.passes_retries());
            if !is_due {
                if !self.may_read() {
                    return Turn::until(due);
                }
                if let Waiting::Events(until) = self.gather(now) {
                    let wake_at = [due, until].into_iter().flatten().min();
                    return Turn { is_reading: true, wake_at };
                }
            }
            let rate = self.receiver.webhook.options.rate_per_second;
            if let Err(again_at) = self.pace.admit(rate, now, &self.parts) {
                let is_reading = by_priority && self.reading.look_ahead();
                return Turn { is_reading, wake_at: Some(again_at) };
            }
            self.passed_retries = match is_due {
                true => 0,
                false => self.passed_retries + u32::from(due.is_some_and(|due| due <= now)),
            };
            match is_due.then(|| self.retries.take_due(now)).flatten() {
                Some(parcel) => self.fly_again(parcel),
                None => self.fly(),
            }
        }
    }

    /// Returns whether a new event is so important that it is sent before the retries that are due: not always, so that
    /// retries are not put off for ever.
    fn passes_retries(&self) -> bool {
        self.passed_retries < PASSES_MAX && self.may_read() && self.reading.is_urgent()
    }

    /// Returns `true` if new events may be sent: not before the waiting ones if the order matters, and not while the
    /// number of failed deliveries is at its limit.
    fn may_read(&self) -> bool {
        !self.retries.is_full()
            && !(self.receiver.webhook.options.ordered
                && !(self.retries.is_empty() && self.flights.is_empty()))
    }

    /// Takes the available events for the next batch; returns what the batch waits for.
    fn gather(&mut self, now: Instant) -> Waiting {
        let Worker { parts, reading, .. } = self;
        // Reads the clock only for the few events that can expire.
        let is_expired = |event: &Event| event.expires.is_some() && event.is_expired(parts.hub.log_time());
        let mut expired = Vec::new();
        let waiting = reading.gather(self.receiver.webhook.options.batch, now, is_expired, &mut expired);
        for event in expired {
            self.parts.first_attempts.report(&self.id, [event], false);
        }
        waiting
    }

    /// Makes the first attempt at the next events.
    fn fly(&mut self) {
        let Some(job) = self.next_job() else { return };
        let (parts, id) = (Arc::clone(&self.parts), self.id.clone());
        let webhook = Arc::clone(&self.receiver.webhook);
        let (target, keys) = (Arc::clone(&self.receiver.target), Arc::clone(&self.receiver.keys));
        let idle = self.idle.take();
        let lease = self.lease.clone();
        let is_noted = self.receiver.webhook.options.batch.is_some();
        if is_noted {
            let (epoch, written) = (job.events[0].position.epoch, self.entry.cursor.written());
            self.entry.change_health(|health| health.note_batch(epoch, job.span(), written));
        }
        self.flights.spawn(async move {
            if is_noted {
                // The clock decided which events are in this batch, and must not decide it again.
                parts.recorder.put_health_under(&lease).await;
                parts.recorder.flushed().await;
            }
            let job = parts.filled(job, &webhook).await?;
            let now = parts.wall();
            let made = attempt::make(&parts.dialer, id, target, &keys, job, idle, now).await;
            Ok(Landing::Made(Box::new(made)))
        });
    }

    fn next_job(&mut self) -> Option<Job> {
        let (payload, batch) = (self.receiver.webhook.options.payload, self.receiver.webhook.options.batch);
        let (events, span, body) = match batch {
            None => {
                let options = &self.receiver.webhook.options;
                let payload = is_of_log(options).then_some(payload);
                let Envelope { event, body } = self.reading.next(payload, options.goes_by_priority())?;
                (vec![event], None, body)
            }
            Some(options) => {
                let Batched { events, span, body } = self.reading.next_batch(payload, options.max_events)?;
                (events, span, body)
            }
        };
        let content_type = payload.content_type(batch.is_some());
        let mark = self.mark.clone();
        Some(Job {
            events,
            batch: span,
            number: 1,
            body,
            unsendable: None,
            content_type,
            original: None,
            by_hand: None,
            mark,
        })
    }

    /// Makes the next attempt at what failed before, which is in the store.
    fn fly_again(&mut self, parcel: Parcel) {
        let (parts, entry, id) = (Arc::clone(&self.parts), Arc::clone(&self.entry), self.id.clone());
        let (payload, batch) = (self.receiver.webhook.options.payload, self.receiver.webhook.options.batch);
        let webhook = Arc::clone(&self.receiver.webhook);
        let (target, keys) = (Arc::clone(&self.receiver.target), Arc::clone(&self.receiver.keys));
        let idle = self.idle.take();
        let mark = self.mark.clone();
        self.flights.spawn(async move {
            // A recent failure may not be recorded yet.
            parts.recorder.flushed().await;
            let rows = super::again::rows(&*parts.ledger, &id, parcel).await?;
            let Some(first) = rows.first().filter(|_| !entry.is_removed()) else {
                return Ok(Landing::Unwanted(parcel));
            };
            if rows.iter().all(|row| row.event.is_expired(parts.hub.log_time())) {
                return Ok(Landing::Expired(parcel, mark, rows));
            }
            reach(FailPoint::AgainBegun);
            let (number, span) = (first.attempts + 1, first.batch);
            let is_batch = batch.is_some() || span.is_some();
            let events: Vec<Arc<Event>> = rows.into_iter().map(|row| row.event).collect();
            let body = super::again::body(payload, is_batch, &events).into();
            let content_type = payload.content_type(is_batch);
            let job = Job {
                events,
                batch: span,
                number,
                body,
                unsendable: None,
                content_type,
                original: None,
                by_hand: None,
                mark,
            };
            let job = parts.filled(job, &webhook).await?;
            let now = parts.wall();
            let made = attempt::make(&parts.dialer, id, target, &keys, job, idle, now).await;
            Ok(Landing::Made(Box::new(made)))
        });
    }
}
