//! Looking ahead: the events that a webhook which is behind has read and not sent yet.
//!
//! The log stays the queue. What is here was read early, so that the important can be sent first; all of it can be
//! dropped at any time, and is then read again. The cursor stays before the first event that is not sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use fanfare_core::{Event, Priority};
use fanfare_runtime::budget::{Cache, CachedBytes};

/// Maximum events that are read ahead: enough for an alarm to pass an hour of low ones at four a minute, and so few that
/// the ids of all of them fit in the state of the webhook, which is written whenever one is sent out of turn.
const AHEAD_MAX: usize = 256;
/// Maximum bytes of them, unless it is one event: ten thousand webhooks that are behind must fit in memory, and the
/// budget for pages ends what is left of the look-ahead before they do not.
const AHEAD_BYTES_MAX: u64 = 256 * 1024;
/// Maximum sends in a row that pass the oldest event: one in eight is for the oldest, whatever its priority, so that
/// the cursor moves on and nothing waits for ever.
pub(super) const PASSES_MAX: u32 = 7;

/// The events that were read and not sent, by seq.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    events: BTreeMap<u64, (Arc<Event>, CachedBytes)>,
    bytes: u64,
    /// The sends since the oldest was sent.
    passes: u32,
}

impl Ahead {
    /// Returns whether it is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns whether another event may be read.
    pub(super) fn has_room(&self) -> bool {
        self.events.len() < AHEAD_MAX && self.bytes < AHEAD_BYTES_MAX
    }

    /// Adds an event, whose bytes count in `cache`.
    pub(super) fn push(&mut self, event: Arc<Event>, cache: &Cache) {
        let len = event.stored_len();
        self.bytes += len;
        self.events.insert(event.position.seq, (event, cache.hold(len as usize)));
    }

    /// Returns the seq of the oldest event.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.events.first_key_value().map(|(seq, _)| *seq)
    }

    /// Returns whether an event is here.
    pub(super) fn has(&self, seq: u64) -> bool {
        self.events.contains_key(&seq)
    }

    /// Returns the highest priority.
    pub(super) fn highest(&self) -> Option<Priority> {
        self.events.values().map(|(event, _)| event.priority).max()
    }

    /// Takes the event to send next: of those with the highest priority the oldest, and once in a while the oldest of all.
    pub(super) fn take_next(&mut self) -> Option<Arc<Event>> {
        let oldest = self.oldest()?;
        let mut next = (oldest, self.events[&oldest].0.priority);
        if self.passes < PASSES_MAX {
            for (seq, (event, _)) in &self.events {
                if event.priority > next.1 {
                    next = (*seq, event.priority);
                }
                if next.1 == Priority::Max {
                    break;
                }
            }
        }
        self.passes = if next.0 == oldest { 0 } else { self.passes + 1 };
        self.remove(next.0)
    }

    /// Takes the events that are not to be sent.
    pub(super) fn take(&mut self, is_over: impl Fn(&Event) -> bool) -> Vec<Arc<Event>> {
        let over = self.events.iter().filter(|(_, (event, _))| is_over(event)).map(|(seq, _)| *seq);
        let over: Vec<u64> = over.collect();
        over.into_iter().filter_map(|seq| self.remove(seq)).collect()
    }

    /// Drops everything, to be read again.
    pub(super) fn clear(&mut self) {
        *self = Ahead { passes: self.passes, ..Ahead::default() };
    }

    fn remove(&mut self, seq: u64) -> Option<Arc<Event>> {
        let (event, _) = self.events.remove(&seq)?;
        self.bytes -= event.stored_len();
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_core::{
        Caller, Door, Epoch, Event, NewEvent, Position, Principal, Priority, Source, Stamp, Timestamp,
    };
    use fanfare_runtime::budget::{Budget, Cache};
    use proptest::prelude::*;

    use super::{AHEAD_MAX, Ahead, PASSES_MAX};

    fn event(seq: u64, priority: Priority) -> Arc<Event> {
        let source = Source { principal: "local".into(), door: Door::Http, agent: None };
        let new = NewEvent { priority, ..NewEvent::new("x", source).expect("short") };
        let position = Position { epoch: Epoch::from_random(1), seq };
        Arc::new(new.into_event(position, Stamp::from(Timestamp::from_micros(0))))
    }

    fn cache() -> Cache {
        Cache::Page(Budget::default().account(&Caller::new(&Principal::local(), None)))
    }

    #[test]
    fn it_is_bounded_and_the_oldest_of_those_that_matter_most_come_first() {
        let (mut ahead, cache) = (Ahead::default(), cache());
        let mut seq = 0;
        while ahead.has_room() {
            seq += 1;
            ahead.push(event(seq, Priority::Low), &cache);
        }
        assert_eq!(seq, AHEAD_MAX as u64);
        let max = ahead.take(|event| event.position.seq <= 2);
        assert_eq!((max.len(), ahead.oldest()), (2, Some(3)));
        for (at, priority) in [(500, Priority::Max), (501, Priority::High), (502, Priority::Max)] {
            ahead.push(event(at, priority), &cache);
        }
        assert_eq!(ahead.highest(), Some(Priority::Max));
        let order: Vec<_> =
            (0..5).filter_map(|_| ahead.take_next()).map(|event| event.position.seq).collect();
        assert_eq!(order, [500, 502, 501, 3, 4]);
        ahead.clear();
        assert!(ahead.is_empty() && ahead.has_room());
    }

    proptest! {
        #[test]
        fn nothing_waits_for_ever_and_equals_keep_their_order(priorities in prop::collection::vec(0..5usize, 1..120), burst in 1..20usize) {
            let (mut ahead, cache) = (Ahead::default(), cache());
            let mut waiting = priorities.iter().zip(1..).map(|(index, seq)| event(seq, Priority::ALL[*index]));
            let (mut passes, mut sent) = (0, Vec::new());
            loop {
                for event in waiting.by_ref().take(burst) {
                    ahead.push(event, &cache);
                }
                let Some(oldest) = ahead.oldest() else { break };
                let highest = ahead.highest().expect("not empty");
                let event = ahead.take_next().expect("not empty");
                let is_oldest = event.position.seq == oldest;
                prop_assert!(is_oldest || event.priority == highest);
                passes = if is_oldest { 0 } else { passes + 1 };
                prop_assert!(passes <= PASSES_MAX, "the oldest was passed {} times", passes);
                let is_in_order = sent.iter().all(|(seq, priority)| *priority != event.priority || *seq < event.position.seq);
                prop_assert!(is_in_order, "{} came after a later one of its priority", event.position);
                sent.push((event.position.seq, event.priority));
            }
            prop_assert_eq!(sent.len(), priorities.len());
        }
    }
}
