//! Items: what a subscription has for its outlet. Their events are in blocks, which are encoded once per wire format
//! and shared by all subscribers.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use fanfare_core::Event;
use fanfare_core::notice::Notice;
use fanfare_core::wire::payload::Payload;
use fanfare_core::wire::{sse, websocket};
use fanfare_runtime::budget::{Cache, CachedBytes};

/// Something to send to the outlet.
#[derive(Debug, Clone)]
pub enum Item {
    /// A run of events.
    Events(Run),
    /// A notice.
    Notice(Notice),
}

/// A run of consecutive events of a block.
#[derive(Debug, Clone)]
pub struct Run {
    pub(super) block: Arc<Block>,
    pub(super) range: Range<usize>,
    /// The feed's ordinal of the block's first event; `None` for a page from the store.
    pub(super) first_ordinal: Option<u64>,
}

impl Item {
    /// Returns the bytes in `wire`.
    pub fn bytes(&self, wire: Wire) -> Bytes {
        match self {
            Item::Events(run) => run.block.bytes(wire, run.range.clone()),
            Item::Notice(notice) => {
                let mut bytes = Vec::new();
                wire.write_notice(notice, &mut bytes);
                bytes.into()
            }
        }
    }

    /// Returns the number of bytes in `wire`.
    pub fn byte_len(&self, wire: Wire) -> usize {
        match self {
            Item::Events(run) => run.block.byte_len(wire, run.range.clone()),
            Item::Notice(_) => self.bytes(wire).len(),
        }
    }

    /// Returns the events.
    pub fn events(&self) -> &[Arc<Event>] {
        match self {
            Item::Events(run) => &run.block.events()[run.range.clone()],
            Item::Notice(_) => &[],
        }
    }

    /// Returns the body that a webhook receives for the event at `index` in [`Item::events`].
    pub fn payload(&self, payload: Payload, index: usize) -> Option<Bytes> {
        match self {
            Item::Events(run) => Some(run.block.payload(payload, run.range.start + index)),
            Item::Notice(_) => None,
        }
    }

    /// Returns the number of events.
    pub fn len(&self) -> usize {
        match self {
            Item::Events(run) => run.range.len(),
            Item::Notice(_) => 0,
        }
    }

    /// Returns `true` if the item holds no events: it is a notice.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The representation of events for a subscriber; a block holds its bytes in each that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// Server-sent events.
    Sse(sse::Format),
    /// JSON in WebSocket text frames.
    WebSocket,
}

impl Wire {
    /// The number of formats: [`Wire::index`] is below it.
    const COUNT: usize = 9;

    /// Returns the format's index in a table.
    fn index(self) -> usize {
        match self {
            Wire::Sse(format) => {
                usize::from(format.json) + 2 * usize::from(format.named) + 4 * usize::from(format.chunked)
            }
            Wire::WebSocket => 8,
        }
    }

    fn write_event(self, event: &Event, out: &mut Vec<u8>) {
        match self {
            Wire::Sse(format) => sse::write_event(format, event, out),
            Wire::WebSocket => websocket::write_event(event, out),
        }
    }

    /// Appends nothing if this format does not show the notice.
    fn write_notice(self, notice: &Notice, out: &mut Vec<u8>) {
        match self {
            Wire::Sse(format) => sse::write_notice(format, notice, out),
            Wire::WebSocket => websocket::write_notice(notice, out),
        }
    }
}

/// Consecutive events of one feed; never empty. Feeds that have the same events share it.
pub struct Block {
    events: Vec<Arc<Event>>,
    cache: Cache,
    /// The bytes of the events and of what is encoded.
    len: AtomicUsize,
    _held: CachedBytes,
    encoded: [OnceLock<Encoded>; Wire::COUNT],
    /// The events as webhooks receive them.
    payloads: [OnceLock<Encoded>; Payload::ALL.len()],
    can_expire: bool,
}

/// What a part of the bytes of a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// The number of whole events.
    pub(super) events: usize,
    /// The number of bytes of the next one.
    pub(super) rest: usize,
}

/// Bytes that count in the budget as long as a cache or a socket holds them.
struct Counted {
    bytes: Vec<u8>,
    _held: CachedBytes,
}

/// The events of a block in one format, end to end.
struct Encoded {
    bytes: Bytes,
    /// The offset in `bytes` at which each event ends.
    ends: Box<[usize]>,
}

impl Block {
    /// Creates a block of at least one event for `cache`, where its bytes count.
    pub fn new(events: Vec<Arc<Event>>, cache: Cache) -> Block {
        let can_expire = events.iter().any(|event| event.expires.is_some());
        let len = events.iter().map(|event| event.stored_len()).sum::<u64>() as usize;
        Block {
            events,
            len: AtomicUsize::new(len),
            _held: cache.hold(len),
            cache,
            encoded: Default::default(),
            payloads: Default::default(),
            can_expire,
        }
    }

    /// Returns the bytes that it holds: those of its events, and what was encoded of them.
    pub fn bytes_held(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Returns the events.
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// Returns the seq of the last event.
    pub fn last_seq(&self) -> u64 {
        self.events[self.events.len() - 1].position.seq
    }

    /// Returns `true` if any of the events can expire.
    pub fn can_expire(&self) -> bool {
        self.can_expire
    }

    /// Returns the bytes of the events in `range`.
    pub fn bytes(&self, wire: Wire, range: Range<usize>) -> Bytes {
        let encoded = self.encoded(wire);
        encoded.bytes.slice(encoded.start(range.start)..encoded.start(range.end))
    }

    /// Returns the number of bytes of the events in `range`.
    fn byte_len(&self, wire: Wire, range: Range<usize>) -> usize {
        let encoded = self.encoded(wire);
        encoded.start(range.end) - encoded.start(range.start)
    }

    /// Returns how many whole events the first `len` bytes from `first` on are, and what is left of them.
    pub(super) fn cut(&self, wire: Wire, first: usize, len: usize) -> Cut {
        let encoded = self.encoded(wire);
        let origin = encoded.start(first);
        let events = encoded.ends[first..].partition_point(|end| end - origin <= len);
        Cut { events, rest: len - (encoded.start(first + events) - origin) }
    }

    /// Returns the body that a webhook receives for the event at `index`.
    pub fn payload(&self, payload: Payload, index: usize) -> Bytes {
        let encoded = self.payloads[payload as usize]
            .get_or_init(|| self.encode(|event, bytes| payload.write(event, bytes)));
        encoded.bytes.slice(encoded.start(index)..encoded.start(index + 1))
    }

    fn encoded(&self, wire: Wire) -> &Encoded {
        self.encoded[wire.index()].get_or_init(|| self.encode(|event, bytes| wire.write_event(event, bytes)))
    }

    fn encode(&self, write: impl Fn(&Event, &mut Vec<u8>)) -> Encoded {
        let mut bytes = Vec::with_capacity(self.events.len() * 192);
        let ends = self
            .events
            .iter()
            .map(|event| {
                write(event, &mut bytes);
                bytes.len()
            })
            .collect();
        let len = bytes.len();
        self.len.fetch_add(len, Ordering::Relaxed);
        let counted = Counted { bytes, _held: self.cache.hold(len) };
        Encoded { bytes: Bytes::from_owner(counted), ends }
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
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

#[cfg(test)]
mod tests {
    use fanfare_core::wire::sse;

    use super::Wire;

    #[test]
    fn a_format_has_its_own_place_in_a_table() {
        let format =
            |bits: u8| sse::Format { json: bits & 1 != 0, named: bits & 2 != 0, chunked: bits & 4 != 0 };
        let mut places: Vec<_> = (0..8).map(|bits| Wire::Sse(format(bits)).index()).collect();
        places.push(Wire::WebSocket.index());
        places.sort_unstable();
        assert_eq!(places, (0..Wire::COUNT).collect::<Vec<_>>());
    }
}
