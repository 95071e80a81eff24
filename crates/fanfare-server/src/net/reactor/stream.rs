//! One event stream in the reactor's table, and the writes to it.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use fanfare_core::wire::sse;

use crate::net::access::Record;
use crate::net::counts::Counts;
use crate::net::reactor::Adopted;
use crate::net::reactor::wire::Wire;
use crate::net::streams::StreamPermit;
use fanfare_hub::client::Client;
use fanfare_hub::item::{self, Item};
use fanfare_hub::subscription::{Peek, Subscription};

/// Maximum reads of 4 KiB per turn from a client, which are discarded: a flood must not occupy the reactor.
const DISCARDS_MAX: usize = 4;

/// An event stream.
#[derive(Debug)]
pub struct Stream {
    socket: Wire,
    /// `None` while it is lent to the librarian.
    subscription: Option<Subscription>,
    /// The bytes that the socket did not accept and that are in no log: of the head, a notice or a comment.
    remainder: Bytes,
    format: sse::Format,
    /// The time since which the socket accepts nothing.
    stalled_since: Option<Instant>,
    ended: bool,
    /// The group of the stream's feed in the reactor, and the stream's place in that group.
    place: (usize, usize),
    client: Arc<Client>,
    last_write: Instant,
    /// The silence after which it gets a comment.
    keepalive: Duration,
    record: Option<Record>,
    _permit: Arc<StreamPermit>,
}

impl Stream {
    /// Creates a stream; the head is sent first.
    pub fn new(adopted: Adopted, place: (usize, usize)) -> Stream {
        Stream {
            socket: Wire::new(adopted.socket),
            client: Arc::clone(adopted.subscription.client()),
            subscription: Some(adopted.subscription),
            remainder: adopted.head,
            format: adopted.format,
            stalled_since: None,
            ended: false,
            place,
            last_write: Instant::now(),
            keepalive: adopted.keepalive,
            record: adopted.record,
            _permit: adopted.permit,
        }
    }

    /// Returns the socket.
    pub fn socket(&mut self) -> &mut Wire {
        &mut self.socket
    }

    /// Returns the serial, which distinguishes the stream from others with the same key.
    pub fn serial(&self) -> u64 {
        self.client.id
    }

    /// Returns the group, and the place in it.
    pub fn place(&self) -> (usize, usize) {
        self.place
    }

    /// Returns whether a client that now gets a comment would find it between two events.
    fn is_between_events(&self) -> bool {
        let subscription = self.subscription.as_ref();
        self.remainder.is_empty() && subscription.is_some_and(|subscription| !subscription.is_within_event())
    }

    /// Records a move within the group.
    pub fn move_to(&mut self, place: (usize, usize)) {
        self.place = place;
    }

    /// Records that the socket accepts bytes again.
    pub fn set_writable(&mut self) {
        if self.stalled_since.take().is_some()
            && let Some(subscription) = &self.subscription
        {
            subscription.set_stalled(false);
        }
    }

    /// Lets the socket buffer more than while it is in use, and counts it as writable.
    pub fn make_room(&mut self) {
        self.socket.make_room();
        self.set_writable();
    }

    /// Returns whether an append does not matter now: the socket is full, or the store is being read for it.
    pub fn is_waiting(&self) -> bool {
        self.stalled_since.is_some() || self.subscription.is_none()
    }

    /// Returns whether an operator disconnected the client and its socket accepts no farewell.
    pub fn is_over(&self) -> bool {
        self.stalled_since.is_some() && self.client.is_dismissed()
    }

    /// Returns the time since which the socket accepts nothing.
    pub fn stalled_since(&self) -> Option<Instant> {
        self.stalled_since
    }

    /// Returns the time of the last successful write.
    pub fn last_write(&self) -> Instant {
        self.last_write
    }

    /// Returns the silence after which it gets a comment.
    pub fn keepalive(&self) -> Duration {
        self.keepalive
    }

    /// Drops the page that was read from the store for it.
    pub fn forget_page(&mut self) {
        if let Some(subscription) = &mut self.subscription {
            subscription.forget_page();
        }
    }

    /// Returns the wire format of the stream.
    fn wire(&self) -> item::Wire {
        item::Wire::Sse(self.format)
    }

    /// Lends the subscription.
    pub fn lend(&mut self) -> Option<Subscription> {
        self.subscription.take()
    }

    /// Puts the subscription back.
    pub fn give_back(&mut self, subscription: Subscription) {
        self.subscription = Some(subscription);
    }
}

/// The outcome of writing to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The store must be read.
    Behind,
    /// The socket is full.
    Blocked,
    /// The stream has everything.
    Done,
    /// The stream has left, or its stream is over.
    Gone,
}

/// Writes to streams; reuses its buffers from one write to the next.
#[derive(Debug)]
pub struct Pump {
    /// The start of the turn: accurate enough for every write in it.
    now: Instant,
    items: Vec<Item>,
    bytes: Vec<Bytes>,
    written_bytes: u64,
    writes: u64,
}

impl Default for Pump {
    fn default() -> Pump {
        Pump { now: Instant::now(), items: Vec::new(), bytes: Vec::new(), written_bytes: 0, writes: 0 }
    }
}

impl Pump {
    /// Starts a turn of the reactor at `now`.
    pub fn begin_turn(&mut self, now: Instant) {
        self.now = now;
    }

    /// Sends a stream all events that it lacks, as far as its socket accepts them.
    pub fn run(&mut self, stream: &mut Stream) -> Flow {
        loop {
            if stream.stalled_since.is_some() {
                return Flow::Blocked;
            }
            if !stream.remainder.is_empty() {
                match self.write_remainder(stream) {
                    Flow::Done => continue,
                    flow => return flow,
                }
            }
            if stream.ended {
                return Flow::Gone;
            }
            let Some(subscription) = &mut stream.subscription else { return Flow::Done };
            if subscription.is_idle() {
                return Flow::Done;
            }
            match subscription.peek(&mut self.items) {
                Peek::Behind => return Flow::Behind,
                Peek::Ended => {
                    stream.ended = true;
                    if stream.format.chunked {
                        stream.remainder = Bytes::from_static(sse::LAST_CHUNK);
                    }
                }
                Peek::Idle => return Flow::Done,
                Peek::Torn => return Flow::Gone,
                Peek::Items => match self.write_items(stream) {
                    Flow::Done => {}
                    flow => {
                        self.let_go(stream);
                        return flow;
                    }
                },
            }
        }
    }

    fn write_items(&mut self, stream: &mut Stream) -> Flow {
        let wire = stream.wire();
        let Some(subscription) = &stream.subscription else { return Flow::Done };
        self.bytes.clear();
        self.bytes.extend(self.items.iter().map(|item| subscription.unsent(item, wire)));
        let len: usize = self.bytes.iter().map(Bytes::len).sum();
        let result = match &self.bytes[..] {
            // A notice that this format does not show.
            _ if len == 0 => Ok(0),
            [bytes] => stream.socket.write(bytes),
            all => {
                let slices: Vec<_> = all.iter().map(|bytes| IoSlice::new(bytes)).collect();
                stream.socket.write_vectored(&slices)
            }
        };
        let taken = match self.taken(stream, result, len) {
            Ok(taken) => taken,
            Err(flow) => return flow,
        };
        let Some(subscription) = &mut stream.subscription else { return Flow::Done };
        let rest = subscription.sent(&self.items, wire, taken);
        stream.remainder = rest.unwrap_or_default();
        if stream.stalled_since.is_none() { Flow::Done } else { Flow::Blocked }
    }

    /// Lets go of what a stream cannot send now.
    fn let_go(&mut self, stream: &mut Stream) {
        self.items.clear();
        self.bytes.clear();
        if let Some(subscription) = &mut stream.subscription {
            subscription.let_go();
        }
    }

    fn write_remainder(&mut self, stream: &mut Stream) -> Flow {
        let len = stream.remainder.len();
        let result = stream.socket.write(&stream.remainder);
        match self.taken(stream, result, len) {
            Ok(taken) => {
                stream.remainder.advance(taken);
                if stream.remainder.is_empty() {
                    // The head shares no memory that is still needed.
                    stream.remainder = Bytes::new();
                }
                if stream.stalled_since.is_none() { Flow::Done } else { Flow::Blocked }
            }
            Err(flow) => flow,
        }
    }

    /// Records that a write sent a part of `len` bytes.
    fn taken(&mut self, stream: &mut Stream, result: io::Result<usize>, len: usize) -> Result<usize, Flow> {
        match result {
            Ok(taken) => {
                self.writes += 1;
                self.written_bytes += taken as u64;
                if let Some(record) = &stream.record {
                    record.count(taken);
                }
                if taken > 0 {
                    stream.last_write = self.now;
                }
                if taken < len {
                    self.stall(stream);
                }
                Ok(taken)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.stall(stream);
                Err(Flow::Blocked)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            Err(_) => Err(Flow::Gone),
        }
    }

    fn stall(&self, stream: &mut Stream) {
        stream.stalled_since = Some(self.now);
        if let Some(subscription) = &stream.subscription {
            subscription.set_stalled(true);
        }
    }

    /// Sends a comment to a silent stream.
    pub fn keep_alive(&mut self, stream: &mut Stream) -> Flow {
        if stream.is_waiting() || !stream.is_between_events() {
            return Flow::Done;
        }
        let mut comment = Vec::new();
        sse::write_keepalive(stream.format, &mut comment);
        stream.remainder = comment.into();
        self.run(stream)
    }

    /// Reads and discards what the client sent; returns whether the client has left.
    pub fn is_closed(&mut self, stream: &mut Stream) -> bool {
        let mut discarded = [0; 4096];
        for _ in 0..DISCARDS_MAX {
            match stream.socket.read(&mut discarded) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
        // A client that floods a one-way stream is disconnected.
        true
    }

    /// Ends a turn: counts all writes of the turn at once, and releases the last events.
    pub fn end_turn(&mut self, counts: &Counts) {
        self.items.clear();
        self.bytes.clear();
        if self.writes > 0 {
            counts.sent_bytes.inc_by(std::mem::take(&mut self.written_bytes));
            counts.writes.inc_by(std::mem::take(&mut self.writes));
        }
    }
}
