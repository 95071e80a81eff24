//! The events that wait for others to form a batch.

use std::collections::VecDeque;
use std::sync::Arc;

use fanfare_core::wire::payload::BATCH_BYTES_MAX;
use fanfare_core::{Epoch, Event, Position};
use fanfare_webhook::options::BatchOptions;
use tokio::time::Instant;

use fanfare_store::webhooks::BatchSpan;

/// The events that were taken from the log, in its order, and are not in flight yet.
#[derive(Debug, Default)]
pub(super) struct Intake {
    events: VecDeque<Arc<Event>>,
    /// The memory that the events take, in bytes.
    bytes: u64,
    /// The time since which the first event waits, once it was asked for.
    since: Option<Instant>,
    /// The batches that were started before the gateway ended without recording their outcome, in log order.
    begun: VecDeque<BatchSpan>,
}

impl Intake {
    /// Creates the queue with the batches that have to be sent again, none of which ends before `cursor`.
    pub(super) fn making_again(begun: &[(Epoch, BatchSpan)], cursor: Position) -> Intake {
        let is_ahead =
            |(epoch, span): &&(Epoch, BatchSpan)| *epoch == cursor.epoch && span.first > cursor.seq;
        let mut begun: Vec<_> = begun.iter().filter(is_ahead).map(|(_, span)| *span).collect();
        begun.sort_unstable_by_key(|span| span.first);
        Intake { begun: begun.into(), ..Intake::default() }
    }

    /// Returns the span of the next batch, if it has to be the same as before.
    pub(super) fn next_span(&mut self) -> Option<BatchSpan> {
        let first = self.events.front()?.position.seq;
        while self.begun.front().is_some_and(|span| span.last < first) {
            self.begun.pop_front();
        }
        self.begun.front().filter(|span| span.first <= first).copied()
    }

    /// Returns `true` if there are enough events for a batch.
    pub(super) fn is_full(&mut self, batch: BatchOptions) -> bool {
        if let Some(span) = self.next_span() {
            return self.events.back().is_some_and(|event| event.position.seq >= span.last);
        }
        self.events.len() >= batch.max_events as usize || self.bytes >= BATCH_BYTES_MAX as u64
    }

    /// Adds an event.
    pub(super) fn push(&mut self, event: Arc<Event>) {
        self.bytes += event.stored_len();
        self.events.push_back(event);
    }

    /// Returns the time since which the events wait; `None` if there are none.
    pub(super) fn since(&mut self, now: Instant) -> Option<Instant> {
        (!self.events.is_empty()).then(|| *self.since.get_or_insert(now))
    }

    /// Returns the first event without taking it.
    pub(super) fn next(&self) -> Option<&Event> {
        self.events.front().map(|event| &**event)
    }

    /// Takes the first event. The wait of the remaining events starts again.
    pub(super) fn pop(&mut self) -> Option<Arc<Event>> {
        let event = self.events.pop_front()?;
        self.bytes -= event.stored_len();
        self.since = None;
        Some(event)
    }

    /// Takes the events that are not to be sent.
    pub(super) fn take(&mut self, is_over: impl Fn(&Event) -> bool) -> Vec<Arc<Event>> {
        if !self.events.iter().any(|event| is_over(event)) {
            return Vec::new();
        }
        let (over, kept): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.events).into_iter().partition(|event| is_over(event));
        self.events = kept;
        self.bytes -= over.iter().map(|event| event.stored_len()).sum::<u64>();
        over.into()
    }

    /// Returns `true` if there are no events.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
