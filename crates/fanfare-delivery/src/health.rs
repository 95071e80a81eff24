//! The health of a webhook, and the form in which the store keeps it.

use std::sync::Arc;

use fanfare_core::wire::payload::Payload;
use fanfare_core::{Epoch, Event, Original, Position, Timestamp};
use fanfare_webhook::outcome::{Meaning, Outcome};
use fanfare_webhook::pause::{Failing, PauseReason, State};
use serde::{Deserialize, Serialize};

use fanfare_store::webhooks::BatchSpan;

/// The health of a webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// The state: active or paused.
    pub state: State,
    /// The failures since the last success.
    pub failing: Failing,
    /// The time of the last response with 2xx.
    pub last_success: Option<Timestamp>,
    /// The time and outcome of the last failure.
    pub last_failure: Option<(Timestamp, Box<str>)>,
    /// The position up to which the webhook lost events: before they were sent, retention removed them, or they
    /// were purged or damaged.
    pub lost_up_to: Option<Position>,
    /// The batches that were sent or are about to be, and that the recorded cursor may not have passed: after a crash,
    /// the same batches are sent again, so that each keeps its id. All are of one epoch.
    pub batches: Vec<(Epoch, BatchSpan)>,
    /// The events that were delivered before others that come first in the log, and that the recorded cursor may not have
    /// passed. All are of one epoch.
    pub early: Vec<Position>,
}

/// Maximum early deliveries that are remembered; beyond it, those next to the cursor are forgotten. A receiver would get
/// them twice after a restart, and knows them by their id.
const EARLY_MAX: usize = 512;

impl Health {
    /// Returns `true` if the webhook is paused.
    pub fn is_paused(&self) -> bool {
        matches!(self.state, State::Paused { .. })
    }

    /// Records the outcome of an attempt that ended at `now`. Returns `true` if a restart must not lose the change; a
    /// success after a success is not such a change.
    pub fn record(&mut self, outcome: Outcome, now: Timestamp, failing_max: std::time::Duration) -> bool {
        let before = (self.state, self.failing);
        if let Some(reason) = self.failing.record(outcome, now, failing_max)
            && !self.is_paused()
        {
            self.state = State::Paused { reason, since: now };
        }
        self.note(outcome, now);
        before != (self.state, self.failing)
    }

    /// Records the outcome of an attempt at an earlier URL that ended at `now`: it is shown, and decides nothing.
    /// Returns whether it failed, which a restart must not forget.
    pub fn note(&mut self, outcome: Outcome, now: Timestamp) -> bool {
        let is_delivered = outcome.meaning() == Meaning::Delivered;
        if is_delivered {
            self.last_success = Some(now);
        } else {
            self.last_failure = Some((now, outcome.as_str().into()));
        }
        !is_delivered
    }

    /// Records that a batch is about to be sent. `written` is the cursor's position in the store.
    pub fn note_batch(&mut self, epoch: Epoch, span: BatchSpan, written: Position) {
        let written = if written.epoch == epoch { written.seq } else { 0 };
        self.batches.retain(|(of, batch)| *of == epoch && batch.last > written && batch.first != span.first);
        self.batches.push((epoch, span));
    }

    /// Records that an event was delivered before others. `written` is the cursor's position in the store.
    pub fn note_early(&mut self, event: Position, written: Position) {
        let is_ahead = |early: &Position| written.epoch != event.epoch || early.seq > written.seq;
        self.early.retain(|early| early.epoch == event.epoch && early.seq != event.seq && is_ahead(early));
        let index = self.early.partition_point(|early| early.seq < event.seq);
        self.early.insert(index, event);
        if self.early.len() > EARLY_MAX {
            self.early.remove(0);
        }
    }

    /// Returns whether what is sent for an event after the cursor was delivered: with the payload `original`, that is the
    /// request, whose events follow each other and which is delivered for one of them.
    pub fn has_early(&self, event: &Event, payload: Payload) -> bool {
        let Position { epoch, seq } = event.position;
        let first = match (payload, event.original) {
            (Payload::Original, Some(Original::With(first))) => first.min(seq),
            _ => seq,
        };
        self.early.iter().any(|early| early.epoch == epoch && (first..=seq).contains(&early.seq))
    }

    /// Returns the number of events after `position` that were delivered.
    pub fn early_after(&self, position: Position) -> u64 {
        let is_after = |early: &&Position| early.epoch == position.epoch && early.seq > position.seq;
        self.early.iter().filter(is_after).count() as u64
    }

    /// Returns the health as the store keeps it.
    pub fn to_stored(&self) -> Arc<str> {
        let (reason, since) = match self.state {
            State::Active => (None, None),
            State::Paused { reason, since } => (Some(reason.as_str().to_owned()), Some(since.as_micros())),
        };
        let stored = Stored {
            paused: reason,
            paused_since: since,
            failing_since: self.failing.since.map(Timestamp::as_micros),
            failures: self.failing.failures,
            last_success: self.last_success.map(Timestamp::as_micros),
            last_failure: self.last_failure.as_ref().map(|(at, why)| (at.as_micros(), why.to_string())),
            epoch: self.batches.first().map(|(epoch, _)| epoch.to_string()),
            lost_in: self.lost_up_to.map(|lost| lost.epoch.to_string()),
            lost_up_to: self.lost_up_to.map(|lost| lost.seq),
            batches: self.batches.iter().map(|(_, batch)| (batch.first, batch.last)).collect(),
            early_in: self.early.first().map(|early| early.epoch.to_string()),
            early: self.early.iter().map(|early| early.seq).collect(),
        };
        // Every value in it is valid JSON.
        serde_json::to_string(&stored).unwrap_or_default().into()
    }

    /// Reads the health from the store; a text that cannot be read counts as healthy.
    pub fn from_stored(text: &str) -> Health {
        let stored: Stored = serde_json::from_str(text).unwrap_or_default();
        let epoch = stored.epoch.and_then(|text| text.parse::<Epoch>().ok());
        let lost_in = stored.lost_in.and_then(|text| text.parse().ok()).or(epoch);
        let batches = stored.batches.into_iter().map(|(first, last)| BatchSpan { first, last });
        let early_in = stored.early_in.and_then(|text| text.parse::<Epoch>().ok());
        let early = stored.early.into_iter();
        let paused = stored.paused.as_deref().and_then(PauseReason::from_name).zip(stored.paused_since);
        Health {
            state: paused.map_or(State::Active, |(reason, since)| State::Paused {
                reason,
                since: Timestamp::from_micros(since),
            }),
            failing: Failing {
                since: stored.failing_since.map(Timestamp::from_micros),
                failures: stored.failures,
            },
            last_success: stored.last_success.map(Timestamp::from_micros),
            last_failure: stored.last_failure.map(|(at, why)| (Timestamp::from_micros(at), why.into())),
            lost_up_to: lost_in.zip(stored.lost_up_to).map(|(epoch, seq)| Position { epoch, seq }),
            batches: epoch.map_or(Vec::new(), |epoch| batches.map(|batch| (epoch, batch)).collect()),
            early: early_in.map_or(Vec::new(), |epoch| early.map(|seq| Position { epoch, seq }).collect()),
        }
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    paused: Option<String>,
    paused_since: Option<i64>,
    failing_since: Option<i64>,
    failures: u32,
    last_success: Option<i64>,
    last_failure: Option<(i64, String)>,
    /// The epoch of the batches; also that of `lost_up_to`, unless `lost_in` tells another.
    epoch: Option<String>,
    lost_in: Option<String>,
    lost_up_to: Option<u64>,
    batches: Vec<(u64, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    early_in: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    early: Vec<u64>,
}
