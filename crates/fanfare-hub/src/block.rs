//! Blocks: consecutive events of one feed, encoded once per wire format and shared by all readers.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use fanfare_core::Event;
use fanfare_core::wire::Wire;
use fanfare_core::wire::payload::Payload;

/// Consecutive events of one feed; never empty.
pub struct Block {
    events: Vec<Arc<Event>>,
    encoded: [OnceLock<Encoded>; Wire::COUNT],
    /// The events as webhooks get them.
    payloads: [OnceLock<Encoded>; Payload::ALL.len()],
    can_expire: bool,
}

/// How far a write went: into or to the end of this many events, the last of which ends here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The events that were touched.
    pub events: usize,
    /// Where the last of them ends, in bytes.
    pub end: usize,
}

/// The events of a block in one form, end to end.
struct Encoded {
    bytes: Bytes,
    /// Where each event ends in `bytes`.
    ends: Box<[usize]>,
}

impl Block {
    /// Makes a block of `events`, of which there is at least one.
    pub fn new(events: Vec<Arc<Event>>) -> Block {
        let can_expire = events.iter().any(|event| event.expires.is_some());
        Block { events, encoded: Default::default(), payloads: Default::default(), can_expire }
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

    /// Says which events, counted from `first`, the first `len` bytes from there touch.
    pub fn cut(&self, wire: Wire, first: usize, len: usize) -> Cut {
        let encoded = self.encoded(wire);
        let origin = encoded.start(first);
        let whole = encoded.ends[first..].partition_point(|end| end - origin <= len);
        let end_of = |events: usize| encoded.start(first + events) - origin;
        let events = if end_of(whole) == len { whole } else { whole + 1 };
        Cut { events, end: end_of(events) }
    }

    /// Gives the body of the event at `index` as a webhook gets it.
    pub fn payload(&self, payload: Payload, index: usize) -> Bytes {
        let encoded = self.payloads[payload as usize]
            .get_or_init(|| Encoded::new(&self.events, |event, bytes| payload.write(event, bytes)));
        encoded.bytes.slice(encoded.start(index)..encoded.start(index + 1))
    }

    fn encoded(&self, wire: Wire) -> &Encoded {
        self.encoded[wire.index()]
            .get_or_init(|| Encoded::new(&self.events, |event, bytes| wire.write_event(event, bytes)))
    }
}

impl Encoded {
    fn new(events: &[Arc<Event>], write: impl Fn(&Event, &mut Vec<u8>)) -> Encoded {
        let mut bytes = Vec::with_capacity(events.len() * 192);
        let ends = events
            .iter()
            .map(|event| {
                write(event, &mut bytes);
                bytes.len()
            })
            .collect();
        Encoded { bytes: bytes.into(), ends }
    }

    fn start(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.ends[index - 1] }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("events", &self.events.len()).finish_non_exhaustive()
    }
}
