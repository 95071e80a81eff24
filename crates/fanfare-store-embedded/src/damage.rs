//! Which events were found damaged.

use std::collections::HashSet;

use fanfare_core::Position;

/// Maximum damaged events that are remembered one by one.
const DAMAGED_MAX: usize = 10_000;

/// The damaged events that were found since the file was opened.
#[derive(Debug, Default)]
pub(super) struct Damage {
    events: HashSet<Position>,
}

impl Damage {
    /// Notes a damaged event. Returns whether it is a new one.
    pub(super) fn note(&mut self, event: Position) -> bool {
        self.events.len() < DAMAGED_MAX && self.events.insert(event)
    }

    /// Returns the seq of the last one before `end`, in the same log.
    pub(super) fn last_before(&self, end: Position) -> Option<u64> {
        let before = self.events.iter().filter(|event| event.epoch == end.epoch && event.seq < end.seq);
        before.map(|event| event.seq).max()
    }

    /// Returns how many were found, up to [`DAMAGED_MAX`].
    pub(super) fn count(&self) -> u64 {
        self.events.len() as u64
    }
}
