//! Traces of removed events: they tell a returning reader whether it missed an event that it wants.

use fanfare_core::Filter;
use fanfare_core::{Channel, EventType, Priority};

use crate::read::Removed;

/// The trace of the removed events of one channel, type and priority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trace {
    /// The seq of the last one.
    pub last: u64,
    /// Number of them.
    pub count: u64,
    /// How many events of the log were removed by then, with the last one.
    pub at: u64,
}

/// The part of the log in which some of the removed events have no trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Untraced {
    /// Its last seq.
    pub to: u64,
    /// How many events of the log were removed by the time when it last grew.
    pub at: u64,
}

/// Maximum traces of one log: 2 MB, and enough for a log with the maximum number of channels. Callers choose
/// types, so their number is unlimited. Above the maximum, the traces of the oldest events are dropped, and a
/// reader that has been away since then is told about everything that was removed.
pub const TRACES_MAX: usize = 16_384;

/// Number of traces that are dropped at once, so that a log at the maximum does not search for the oldest every
/// time.
pub const TRACES_DROPPED: usize = TRACES_MAX / 8;

/// Collects what a reader missed.
#[derive(Debug)]
pub struct Missed<'a> {
    filter: &'a Filter,
    /// The position of the reader.
    after: u64,
    /// How many events were removed by the time when the reader was last told.
    told: u64,
    found: Trace,
}

impl<'a> Missed<'a> {
    /// Starts empty, for a reader with `filter` that has everything up to `after`. It was told of the first `told` events
    /// that were removed, and now `removed` are.
    pub fn new(filter: &'a Filter, after: u64, told: u64, removed: u64) -> Missed<'a> {
        Missed { filter, after, told, found: Trace { at: removed, ..Trace::default() } }
    }

    /// Adds the trace of a channel, type and priority.
    pub fn add(&mut self, channel: &Channel, event_type: &EventType, priority: Priority, trace: Trace) {
        if self.filter.matches_kind(channel, event_type, priority) {
            self.add_certainly(trace);
        }
    }

    /// Adds the trace of events that the reader may want.
    pub fn add_certainly(&mut self, trace: Trace) {
        if trace.last > self.after && trace.at > self.told {
            self.found.last = self.found.last.max(trace.last);
            self.found.count = self.found.count.saturating_add(trace.count);
            self.found.at = self.found.at.max(trace.at);
        }
    }

    /// Returns what the reader missed, if anything, and how many removed events it is told of by that. The log starts
    /// with `first`.
    pub fn finish(mut self, untraced: Untraced, first: u64) -> (Option<Removed>, u64) {
        let is_traced = self.after >= untraced.to || self.told >= untraced.at;
        let mut last = self.found.last;
        if !is_traced {
            last = last.max(untraced.to);
            self.found.at = self.found.at.max(untraced.at);
        }
        let told = self.found.at;
        let up_to = last.min(first.saturating_sub(1));
        let Some(between) = up_to.checked_sub(self.after).filter(|between| *between > 0) else {
            return (None, told);
        };
        let count = if is_traced { self.found.count.min(between) } else { between };
        // Of what it was told before, nothing is new.
        let count = if self.told == 0 { count } else { count.min(told - self.told) };
        (Some(Removed { up_to, count }), told)
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Filter, Priority};

    use super::{Missed, Trace, Untraced};
    use crate::read::Removed;

    fn missed(after: u64, traces: &[(&str, u64, u64)], untraced_to: u64) -> Option<Removed> {
        let filter = Filter::new(vec!["a".parse().expect("a pattern")], Vec::new(), Priority::Min, None);
        let filter = filter.expect("few patterns");
        let mut missed = Missed::new(&filter, after, 0, 99);
        for (channel, last, count) in traces {
            let (last, count) = (*last, *count);
            let channel = channel.parse().expect("a channel");
            missed.add(&channel, &Default::default(), Priority::Default, Trace { last, count, at: 99 });
        }
        missed.finish(Untraced { to: untraced_to, at: 99 }, 100).0
    }

    #[test]
    fn a_reader_misses_only_what_it_wants_and_does_not_have() {
        assert_eq!(missed(0, &[("b", 99, 50)], 0), None);
        assert_eq!(missed(40, &[("a", 40, 9), ("b", 99, 50)], 0), None);
        assert_eq!(missed(39, &[("a", 40, 9)], 0), Some(Removed { up_to: 40, count: 1 }));
        assert_eq!(missed(10, &[("a", 40, 2)], 0), Some(Removed { up_to: 40, count: 2 }));
    }

    #[test]
    fn where_there_are_no_traces_everything_may_be_missed() {
        assert_eq!(missed(10, &[], 30), Some(Removed { up_to: 30, count: 20 }));
        assert_eq!(missed(10, &[("a", 40, 2)], 30), Some(Removed { up_to: 40, count: 30 }));
        assert_eq!(missed(30, &[], 30), None);
    }

    #[test]
    fn a_reader_is_told_once_of_each_removed_event() {
        let all = Filter::all();
        let later = |told, trace_at, untraced: Untraced| {
            let mut missed = Missed::new(&all, 10, told, 50);
            missed.add_certainly(Trace { last: 40, count: 30, at: trace_at });
            missed.finish(untraced, 100)
        };
        let removed = |up_to, count| Some(Removed { up_to, count });
        let traced = Untraced::default();
        assert_eq!(later(0, 50, traced), (removed(40, 30), 50));
        assert_eq!(later(50, 50, traced), (None, 50));
        // Of the thirty, at most two are new.
        assert_eq!(later(48, 50, traced), (removed(40, 2), 50));
        // Retention has removed one more since the log was looked at.
        assert_eq!(later(50, 51, traced), (removed(40, 1), 51));
        assert_eq!(later(50, 50, Untraced { to: 60, at: 50 }), (None, 50));
        assert_eq!(later(50, 50, Untraced { to: 60, at: 53 }), (removed(60, 3), 53));
    }
}
