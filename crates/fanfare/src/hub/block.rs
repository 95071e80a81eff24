//! Blocks: consecutive events of one feed, encoded once per wire format and shared by all readers.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use fanfare_core::Event;
use fanfare_core::wire::Wire;

/// Consecutive events of one feed; never empty.
pub struct Block {
    events: Vec<Arc<Event>>,
    encoded: [OnceLock<Encoded>; Wire::COUNT],
    can_expire: bool,
}

/// The events of a block in one wire format, end to end.
struct Encoded {
    bytes: Bytes,
    /// Where each event ends in `bytes`.
    ends: Box<[usize]>,
}

impl Block {
    /// Makes a block of `events`, of which there is at least one.
    pub fn new(events: Vec<Arc<Event>>) -> Block {
        let can_expire = events.iter().any(|event| event.expires.is_some());
        Block { events, encoded: Default::default(), can_expire }
    }

    /// Gives the events.
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// Gives the seq of the last event.
    pub fn last_seq(&self) -> u64 {
        self.events[self.events.len() - 1].position.seq
    }

    /// Says whether an event among them can expire.
    pub fn can_expire(&self) -> bool {
        self.can_expire
    }

    /// Gives the bytes of the events in `range`.
    pub fn bytes(&self, wire: Wire, range: Range<usize>) -> Bytes {
        let encoded = self.encoded(wire);
        encoded.bytes.slice(encoded.start(range.start)..encoded.start(range.end))
    }

    /// Says how many events, counted from `first`, are whole within the first `len` bytes from there, and where
    /// the event after them ends, counted in the same way.
    pub fn whole_events(&self, wire: Wire, first: usize, len: usize) -> (usize, usize) {
        let encoded = self.encoded(wire);
        let origin = encoded.start(first);
        let whole = encoded.ends[first..].partition_point(|end| *end - origin <= len);
        let next_end = encoded.ends.get(first + whole).map_or(len, |end| end - origin);
        (whole, next_end)
    }

    fn encoded(&self, wire: Wire) -> &Encoded {
        self.encoded[wire.index()].get_or_init(|| {
            let mut bytes = Vec::with_capacity(self.events.len() * 192);
            let ends = self
                .events
                .iter()
                .map(|event| {
                    wire.write_event(event, &mut bytes);
                    bytes.len()
                })
                .collect();
            Encoded { bytes: bytes.into(), ends }
        })
    }
}

impl Encoded {
    fn start(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.ends[index - 1] }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("events", &self.events.len()).finish_non_exhaustive()
    }
}
