//! The reactor: a thread that owns the sockets of event streams and writes to them, and the inbox through which others
//! reach it.
//!
//! A stream that the HTTP server let go of needs no task, no timer and no buffer: it is an entry in a table. When its
//! feed has something new, the reactor walks the feed's streams and sends each the shared bytes with one `write`. Work
//! that must wait (reading back from the store) is done elsewhere, by [`librarian`].

mod groups;
mod idle;
mod inbox;
pub mod librarian;
pub mod reactors;
pub mod stream;
#[cfg(test)]
mod tests;
mod wire;

use std::convert::Infallible;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fanfare_core::wire::sse;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use tokio::sync::oneshot;

use crate::net::access::Record;
use crate::net::counts::Counts;
use crate::net::reactor::groups::Groups;
use crate::net::reactor::librarian::{Job, Jobs};
use crate::net::reactor::stream::{Flow, Pump, Stream};
use crate::net::streams::StreamPermit;
use fanfare_hub::subscription::Subscription;
use fanfare_hub::values;
use fanfare_runtime::parts::{Outcome, Pulse};

pub use inbox::{FeedWaker, Inbox};

/// Interval at which the reactor checks silent and stalled streams.
const TICK: Duration = Duration::from_secs(1);

/// The configuration of a reactor.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Maximum time that a stream can make no progress.
    pub stall_timeout: Duration,
}

/// The token under which the inbox wakes the reactor; no stream has it.
const WAKE: Token = Token(usize::MAX);

/// A thread's worth of event streams.
#[derive(Debug)]
pub struct Reactor {
    config: Config,
    poll: Poll,
    inbox: Arc<Inbox>,
    jobs: Jobs,
    streams: Slab<Stream>,
    groups: Groups,
    /// The streams whose sockets accept nothing at present.
    stalled: Vec<usize>,
    /// The streams whose keepalives come so often that each tick looks at them.
    brisk: Vec<usize>,
    pump: Pump,
    counts: Counts,
    ticks: usize,
    stopping: bool,
}

impl Reactor {
    /// Creates a reactor; its inbox is where streams are handed over.
    pub fn new(config: Config, jobs: Jobs, counts: Counts) -> io::Result<(Reactor, Arc<Inbox>)> {
        let poll = Poll::new()?;
        let inbox = Arc::new(Inbox::new(poll.registry())?);
        let reactor = Reactor {
            config,
            poll,
            inbox: Arc::clone(&inbox),
            jobs,
            streams: Slab::new(),
            groups: Groups::default(),
            stalled: Vec::new(),
            brisk: Vec::new(),
            pump: Pump::default(),
            counts,
            ticks: 0,
            stopping: false,
        };
        Ok((reactor, inbox))
    }

    /// Runs on this thread until it is asked to stop and the last stream has ended.
    pub fn run(mut self, pulse: &Pulse) -> Outcome {
        // Events per turn; more of them wait in the kernel.
        let mut events = Events::with_capacity(1_024);
        let mut next_tick = Instant::now() + TICK;
        while !(self.stopping && self.streams.is_empty()) {
            match self.poll.poll(&mut events, Some(next_tick.saturating_duration_since(Instant::now()))) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            let now = Instant::now();
            pulse.beat(now)?;
            self.pump.begin_turn(now);
            for event in &events {
                if event.token() == WAKE {
                    continue;
                }
                let key = event.token().0;
                let gone = self.streams.get_mut(key).is_some_and(|stream| {
                    let closed = event.is_readable() && self.pump.is_closed(stream);
                    if event.is_writable() {
                        stream.set_writable();
                    }
                    closed || event.is_error()
                });
                if gone {
                    self.close(key);
                } else if event.is_writable() {
                    self.serve(key);
                }
            }
            self.take_commands();
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                self.tick();
            }
            self.pump.end_turn(&self.counts);
        }
        Ok(())
    }

    fn take_commands(&mut self) {
        for command in self.inbox.take() {
            match command {
                Command::Adopt(adopted) => self.adopt(*adopted),
                Command::Appended(feed) => self.fan_out(feed),
                Command::Lost { key, serial } => {
                    if self.streams.get(key).is_some_and(|stream| stream.serial() == serial) {
                        self.close(key);
                    }
                }
                Command::ReadBack(read_back) => self.read_back(read_back),
                Command::Stop => {
                    self.stopping = true;
                    self.make_room();
                }
                Command::HangUp => {
                    let keys: Vec<_> = self.streams.iter().map(|(key, _)| key).collect();
                    keys.into_iter().for_each(|key| self.close(key));
                }
            }
        }
    }

    /// Adds a stream to the table.
    fn adopt(&mut self, adopted: Adopted) {
        let entry = self.streams.vacant_entry();
        let key = entry.key();
        let place = self.groups.add(&adopted.subscription.client().feed, key, &self.inbox);
        let mut stream = Stream::new(adopted, place);
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.poll.registry().register(stream.socket(), Token(key), interest).is_err() {
            // This fails only for lack of memory or watches; the client reconnects. The new stream is the last of its
            // group, so no other one moves.
            self.groups.remove(place);
            return;
        }
        self.brisk.extend(idle::is_brisk(&stream).then_some(key));
        entry.insert(stream);
        self.serve(key);
    }

    /// Sends every stream of a feed the events that it lacks.
    fn fan_out(&mut self, group: usize) {
        let keys = self.groups.take(group);
        let mut gone = Vec::new();
        for key in &keys {
            let stream = &mut self.streams[*key];
            if stream.is_waiting() {
                if stream.is_over() {
                    gone.push(*key);
                }
                continue;
            }
            match self.pump.run(stream) {
                Flow::Behind => lend(stream, *key, &self.inbox, &self.jobs),
                Flow::Blocked => self.stalled.push(*key),
                Flow::Done => {}
                Flow::Gone => gone.push(*key),
            }
        }
        self.groups.put_back(group, keys);
        for key in gone {
            self.close(key);
        }
    }

    /// Sends one stream the events that it lacks.
    fn serve(&mut self, key: usize) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        match self.pump.run(stream) {
            Flow::Behind => lend(stream, key, &self.inbox, &self.jobs),
            Flow::Blocked => self.stalled.push(key),
            Flow::Done => {}
            Flow::Gone => self.close(key),
        }
    }

    /// Lets the kernel buffer the last frames of streams whose sockets are full, so that their clients can read
    /// them after the gateway has ended.
    fn make_room(&mut self) {
        for key in std::mem::take(&mut self.stalled) {
            if let Some(stream) = self.streams.get_mut(key) {
                stream.make_room();
                self.serve(key);
            }
        }
    }

    /// Returns a subscription to its stream after the librarian has read for it.
    fn read_back(&mut self, ReadBack { key, serial, subscription, outcome, _reading }: ReadBack) {
        let Some(stream) = self.streams.get_mut(key).filter(|stream| stream.serial() == serial) else {
            // The stream has ended meanwhile.
            return;
        };
        match outcome {
            Ok(()) => {
                stream.give_back(subscription);
                self.serve(key);
            }
            Err(error) => {
                tracing::error!(%error, "the log could not be read for a stream");
                self.close(key);
            }
        }
    }

    fn close(&mut self, key: usize) {
        let Some(mut stream) = self.streams.try_remove(key) else { return };
        // A closed socket counts as deregistered.
        let _ = self.poll.registry().deregister(stream.socket());
        if let Some(moved) = self.groups.remove(stream.place()) {
            self.streams[moved].move_to(stream.place());
        }
    }
}

impl Drop for Reactor {
    /// On every path out, nothing more is handed over that would not be served. Streams close with their sockets, and
    /// are no longer listed as clients.
    fn drop(&mut self) {
        self.inbox.close();
    }
}

/// Lends the subscription of `stream` to the librarian, unless the librarian already has it.
fn lend(stream: &mut Stream, key: usize, inbox: &Arc<Inbox>, jobs: &Jobs) {
    if let Some(subscription) = stream.lend() {
        jobs.submit(Job::new(subscription, key, stream.serial(), Arc::clone(inbox)));
    }
}

/// A command for the reactor.
#[derive(Debug)]
pub enum Command {
    /// Adopt a stream.
    Adopt(Box<Adopted>),
    /// The feed of this group has something new.
    Appended(usize),
    /// Close every stream at once.
    HangUp,
    /// A subscription was lost during a read for it.
    Lost {
        /// The stream's key in the reactor's table.
        key: usize,
        /// Distinguishes the stream from a later one with the same key.
        serial: u64,
    },
    /// A read for a subscription has finished.
    ReadBack(ReadBack),
    /// End when the last stream has ended.
    Stop,
}

/// A stream that the server let go of.
#[derive(Debug)]
pub struct Adopted {
    /// The socket, nonblocking.
    pub socket: OwnedFd,
    /// The response's head and the first bytes of the stream.
    pub head: Bytes,
    /// The subscription to send.
    pub subscription: Subscription,
    /// The format of the events.
    pub format: sse::Format,
    /// The silence after which the stream gets a comment.
    pub keepalive: Duration,
    /// The right to be connected.
    pub permit: Arc<StreamPermit>,
    /// The record of the request, if requests are logged.
    pub record: Option<Record>,
}

/// A subscription on its way back to its stream, after a read for it.
#[derive(Debug)]
pub struct ReadBack {
    /// The stream's key in the reactor's table.
    pub key: usize,
    /// Distinguishes the stream from a later one with the same key.
    pub serial: u64,
    /// The subscription, lent by the stream.
    pub subscription: Subscription,
    /// The outcome of the read.
    pub outcome: Result<(), values::Error>,
    /// Dropped when the stream has the page.
    _reading: oneshot::Sender<Infallible>,
}
