//! Traces of what retention removed.

use std::collections::BTreeMap;

use fanfare_core::{Channel, Event, EventType, Filter, Priority};

use crate::read::Removed;
use crate::traces::{Missed, TRACES_DROPPED, TRACES_MAX, Trace};

/// The traces by channel, type and priority.
#[derive(Debug, Default)]
pub(super) struct Traces {
    by_kind: BTreeMap<(Channel, EventType, Priority), Trace>,
    /// The seq up to which some removed events have no trace.
    untraced_to: u64,
}

impl Traces {
    /// Records that the oldest event of the log is removed.
    pub(super) fn note(&mut self, event: &Event) {
        let kind = (event.channel.clone(), event.event_type.clone(), event.priority);
        let trace = self.by_kind.entry(kind).or_default();
        trace.last = event.position.seq;
        trace.count += 1;
        if self.by_kind.len() > TRACES_MAX {
            let mut lasts: Vec<_> = self.by_kind.values().map(|trace| trace.last).collect();
            lasts.sort_unstable();
            let up_to = lasts[TRACES_DROPPED];
            self.by_kind.retain(|_, trace| trace.last > up_to);
            self.untraced_to = self.untraced_to.max(up_to);
        }
    }

    /// Returns what a reader with `filter` has missed if it has everything up to `after`; the log starts at
    /// `first`.
    pub(super) fn missed(&self, filter: &Filter, after: u64, first: u64) -> Option<Removed> {
        if after.saturating_add(1) >= first {
            return None;
        }
        let mut missed = Missed::new(filter, after);
        for ((channel, event_type, priority), trace) in &self.by_kind {
            missed.add(channel, event_type, *priority, *trace);
        }
        missed.finish(self.untraced_to, first)
    }
}
