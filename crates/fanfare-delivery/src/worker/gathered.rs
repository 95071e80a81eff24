//! What waits for others to make a batch.

use std::collections::VecDeque;
use std::sync::Arc;

use fanfare_core::Event;
use fanfare_core::wire::payload::BATCH_BYTES_MAX;
use fanfare_webhook::options::BatchOptions;
use tokio::time::Instant;

use fanfare_store::webhooks::BatchSpan;

/// Events that were taken from the log, in its order, and are not on their way yet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    events: VecDeque<Arc<Event>>,
    /// What they take in memory.
    bytes: u64,
    /// Since when the first of them waits, as far as somebody asked.
    since: Option<Instant>,
    /// Batches that were begun before the gateway ended without writing down what became of them, in the order of the
    /// log.
    begun: VecDeque<BatchSpan>,
}

impl Gathered {
    /// Starts with the batches that are to be made again, of which none ends before `cursor`.
    pub(super) fn making_again(begun: &[BatchSpan], cursor: u64) -> Gathered {
        let mut begun: Vec<_> = begun.iter().filter(|span| span.first > cursor).copied().collect();
        begun.sort_unstable_by_key(|span| span.first);
        Gathered { begun: begun.into(), ..Gathered::default() }
    }

    /// Gives the span of what comes next, when that is to be the batch that it was before.
    pub(super) fn next_span(&mut self) -> Option<BatchSpan> {
        let first = self.events.front()?.position.seq;
        while self.begun.front().is_some_and(|span| span.last < first) {
            self.begun.pop_front();
        }
        self.begun.front().filter(|span| span.first <= first).copied()
    }

    /// Says whether there is a batch's worth.
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

    /// Gives since when they wait; nothing when there are none.
    pub(super) fn since(&mut self, now: Instant) -> Option<Instant> {
        (!self.events.is_empty()).then(|| *self.since.get_or_insert(now))
    }

    /// Gives the first event, without taking it.
    pub(super) fn next(&self) -> Option<&Event> {
        self.events.front().map(|event| &**event)
    }

    /// Takes the first event. What stays has begun to wait anew.
    pub(super) fn pop(&mut self) -> Option<Arc<Event>> {
        let event = self.events.pop_front()?;
        self.bytes -= event.stored_len();
        self.since = None;
        Some(event)
    }

    /// Takes the events that expired.
    pub(super) fn take_expired(&mut self, is_expired: impl Fn(&Event) -> bool) -> Vec<Arc<Event>> {
        if !self.events.iter().any(|event| is_expired(event)) {
            return Vec::new();
        }
        let (expired, kept): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.events).into_iter().partition(|event| is_expired(event));
        self.events = kept;
        self.bytes -= expired.iter().map(|event| event.stored_len()).sum::<u64>();
        expired.into()
    }

    /// Says whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
