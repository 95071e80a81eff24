//! Ending attempts: the outcome of each, and its consequences.

use std::sync::Arc;

use fanfare_core::{Event, Timestamp};
use fanfare_webhook::breaker::Breaker;
use fanfare_webhook::outcome::Outcome;
use fanfare_webhook::retry::Verdict;
use fanfare_webhook::retry_after::RetryAfter;

use crate::attempt::{Attempt, Job, Made};
use crate::recorder::Taken;
use crate::worker::retries::Parcel;
use crate::worker::{Landing, Worker};
use fanfare_hub::purges::Mark;
use fanfare_runtime::fail_point::{FailPoint, reach};
use fanfare_store::webhooks::{DeliveryChange, DeliveryRow, DeliveryStatus};

/// The outcome of a delivery that expired before it could be retried.
const EXPIRED: &str = "expired";

impl Worker {
    /// Processes the results of attempts, and records the new position of the webhook.
    pub(super) async fn land_all(&mut self, all: Vec<Landing>) {
        let mut firsts = Vec::with_capacity(all.len());
        for landed in all {
            firsts.extend(self.land(landed).await);
        }
        self.save();
        // Last: a pusher that was waiting may look at once, and finds everything that was recorded above.
        for (job, is_delivered) in firsts {
            let events = job.events.iter().map(|event| event.position);
            self.parts.first_attempts.report(&self.id, events, is_delivered);
        }
    }

    /// Processes the result of an attempt, and decides what happens next. If it was a first attempt, returns the job
    /// and whether it was delivered.
    async fn land(&mut self, landed: Landing) -> Option<(Job, bool)> {
        let Made { attempt, job, connection } = match landed {
            Landing::Made(made) => *made,
            Landing::Expired(parcel, mark, rows) => {
                self.give_up(parcel, mark, rows).await;
                return None;
            }
            Landing::Unwanted(parcel) => {
                self.release_probe();
                self.retries.landed(parcel);
                return None;
            }
        };
        if let Some(connection) = connection {
            self.idle.keep(connection, attempt.target());
        }
        let now = self.parts.now();
        let outcome = self.steadied(attempt.outcome);
        let failing_max = self.parts.failing_max;
        // What an earlier address answers says nothing about the present one, and holds nothing back from it.
        let is_present = attempt.target().url == self.entry.definition.borrow().url;
        if is_present {
            self.pace.breaker.record(outcome, now, self.parts.open_first);
        }
        let is_news = self.entry.change_health(|health| match is_present {
            true => health.record(outcome, now, failing_max),
            false => health.note(outcome, now),
        });
        let is_delivered = attempt.is_delivered();
        if is_news {
            self.parts.recorder.put_health_under(&self.lease).await;
        }
        let mut changes = Vec::new();
        // What was purged is left out when this is recorded.
        if !is_delivered {
            changes.push(DeliveryChange::Attempt(attempt.to_row()));
        }
        reach(FailPoint::OutcomeNoted);
        let random = rand::random();
        let verdict = self.receiver.webhook.options.retry.judge(job.number, outcome, now, random);
        let parcel = Parcel::from(&job);
        self.retries.landed(parcel);
        if let Verdict::Retry { at } = verdict {
            self.retries.add(parcel, self.parts.instant(at));
        }
        let conclusions =
            job.events.iter().filter_map(|event| self.conclude(event, &job, attempt.outcome, verdict, now));
        changes.extend(conclusions);
        if !changes.is_empty() {
            // A part of a batch would be sent under the id of the whole.
            self.parts.recorder.put_all(&self.lease, Taken::from(&job), changes).await;
        }
        if !is_delivered {
            reach(FailPoint::RetryScheduled);
        }
        job.events.iter().for_each(|event| self.reading.done(event.position));
        if let [event] = &job.events[..]
            && is_delivered
            && self.reading.has_passed_others(event.position)
        {
            // The cursor does not say so yet, and a restart must not send it again.
            let written = self.entry.cursor.written();
            self.entry.change_health(|health| health.note_early(event.position, written));
            self.parts.recorder.put_health_under(&self.lease).await;
        }
        self.count(&attempt, &job);
        let purges = self.parts.hub.purges();
        self.entry.remember(attempt, || purges.has_purged_any(&job.mark, &job.events));
        (job.number == 1).then_some((job, is_delivered))
    }

    /// Counts an attempt, and the time from its events' arrival to their delivery.
    fn count(&self, attempt: &Attempt, job: &Job) {
        let counts = &self.parts.counts;
        counts.attempt(attempt);
        if attempt.is_delivered() {
            let now = self.parts.hub.log_time();
            job.events.iter().for_each(|event| counts.delivered(now.since(event.arrival)));
        }
    }

    /// Returns the change to record for one delivery: `None` if it was delivered on the first attempt.
    fn conclude(
        &self,
        event: &Arc<Event>,
        job: &Job,
        outcome: Outcome,
        verdict: Verdict,
        now: Timestamp,
    ) -> Option<DeliveryChange> {
        let position = event.position;
        let status = match verdict {
            Verdict::Delivered => {
                let is_kept = job.number > 1;
                return is_kept.then(|| DeliveryChange::Remove { webhook: self.id.clone(), position });
            }
            Verdict::Retry { at } => DeliveryStatus::Waiting(at),
            Verdict::Fail(_) => DeliveryStatus::Failed(now),
        };
        let row = DeliveryRow {
            webhook: self.id.clone(),
            event: Arc::clone(event),
            attempts: job.number,
            status,
            failure: outcome.as_str().into(),
            batch: job.batch,
        };
        Some(DeliveryChange::Put(row))
    }

    /// Records as failed the deliveries that expired while they waited for a retry.
    async fn give_up(&mut self, parcel: Parcel, mark: Mark, rows: Vec<DeliveryRow>) {
        self.release_probe();
        self.retries.landed(parcel);
        let taken = Taken::new(mark, rows.iter().map(|row| Arc::clone(&row.event)).collect());
        let status = DeliveryStatus::Failed(self.parts.now());
        let expired = |row| DeliveryChange::Put(DeliveryRow { status, failure: EXPIRED.into(), ..row });
        self.parts.recorder.put_all(&self.lease, taken, rows.into_iter().map(expired).collect()).await;
    }

    /// Lets another attempt probe whether the receiver is back: this one was not sent.
    fn release_probe(&mut self) {
        if let Breaker::HalfOpen { openings, .. } = self.pace.breaker {
            self.pace.breaker = Breaker::Open { until: self.parts.now(), openings };
        }
    }

    /// Converts the receiver's `Retry-After` to the clock that never jumps.
    fn steadied(&self, outcome: Outcome) -> Outcome {
        let ahead = self.parts.now().as_micros() - self.parts.wall().as_micros();
        let steady = |asked: RetryAfter| RetryAfter {
            at: Timestamp::from_micros(asked.at.as_micros().saturating_add(ahead)),
            ..asked
        };
        match outcome {
            Outcome::Answered { status, retry_after } => {
                Outcome::Answered { status, retry_after: retry_after.map(steady) }
            }
            Outcome::Failed(failure) => Outcome::Failed(failure),
        }
    }

    /// Records that events were gone before they were sent: people who look at the webhook have to see it.
    pub(super) async fn note_lost(&mut self) {
        let Some(lost) = self.reading.take_lost() else { return };
        tracing::warn!(
            webhook = %self.id,
            up_to = %lost,
            "events were gone before they were sent to this webhook: retention removed them, or their rows are damaged"
        );
        self.parts.counts.losses.inc();
        self.entry.change_health(|health| health.lost_up_to = Some(lost));
        self.parts.recorder.put_health_under(&self.lease).await;
    }

    /// Saves the position.
    pub(super) fn save(&mut self) {
        let position = self.reading.position();
        self.parts.recorder.moved(&self.entry.cursor, position);
    }
}
