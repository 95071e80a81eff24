//! What waits for others to make a batch.

use std::collections::VecDeque;
use std::sync::Arc;

use fanfare_core::Event;
use fanfare_core::webhook::options::BatchOptions;
use fanfare_core::webhook::payload::BATCH_BYTES_MAX;
use tokio::time::Instant;

/// Events that were taken from the log, in its order, and are not on their way yet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    events: VecDeque<Arc<Event>>,
    /// What they take in memory.
    bytes: u64,
    /// Since when the first of them waits, as far as somebody asked.
    since: Option<Instant>,
}

impl Gathered {
    /// Says whether there is a batch's worth.
    pub(super) fn is_full(&self, batch: BatchOptions) -> bool {
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
