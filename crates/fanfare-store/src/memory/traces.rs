//! Traces of what retention removed.

use std::collections::BTreeMap;

use fanfare_core::{Channel, Event, EventType, Priority};

use crate::Head;
use crate::read::{Read, Removed};
use crate::traces::{Missed, TRACES_DROPPED, TRACES_MAX, Trace, Untraced};

/// The traces by channel, type and priority.
#[derive(Debug, Default)]
pub(super) struct Traces {
    by_kind: BTreeMap<(Channel, EventType, Priority), Trace>,
    untraced: Untraced,
}

impl Traces {
    /// Records that an event is removed, `at` of them with it.
    pub(super) fn note(&mut self, event: &Event, at: u64) {
        let kind = (event.channel.clone(), event.event_type.clone(), event.priority);
        let trace = self.by_kind.entry(kind).or_default();
        trace.last = trace.last.max(event.position.seq);
        trace.count += 1;
        trace.at = at;
        if self.by_kind.len() > TRACES_MAX {
            let mut lasts: Vec<_> = self.by_kind.values().map(|trace| trace.last).collect();
            lasts.sort_unstable();
            let up_to = lasts[TRACES_DROPPED];
            self.by_kind.retain(|_, trace| trace.last > up_to);
            self.untraced = Untraced { to: self.untraced.to.max(up_to), at };
        }
    }

    /// Returns what the reader of a page has missed in the log with this head.
    pub(super) fn missed(&self, read: &Read, head: Head) -> Option<Removed> {
        if read.after.saturating_add(1) >= head.first {
            return None;
        }
        let mut missed = Missed::new(&read.filter, read.after, read.told, head.removed());
        for ((channel, event_type, priority), trace) in &self.by_kind {
            missed.add(channel, event_type, *priority, *trace);
        }
        missed.finish(self.untraced, head.first).0
    }
}
