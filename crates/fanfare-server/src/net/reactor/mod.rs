//! The reactor: a thread that owns the sockets of event streams and writes to them.
//!
//! A stream that the HTTP server let go of needs no task, no timer and no buffer: it is an entry in a table. When its
//! feed has something new, the reactor walks the feed's streams and sends each the shared bytes with one `write`. Work
//! that must wait (reading back from the store) is done elsewhere, by [`librarian`].

mod groups;
pub mod inbox;
pub mod librarian;
pub mod reactors;
pub mod stream;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::net::counts::Counts;
use crate::net::reactor::groups::Groups;
use crate::net::reactor::inbox::{Adopted, Command, Inbox, ReadBack, WAKE};
use crate::net::reactor::librarian::{Job, Jobs};
use crate::net::reactor::stream::{Flow, Pump, Stream};
use fanfare_runtime::parts::{Outcome, Pulse};

/// Interval at which the reactor checks silent and stalled streams.
const TICK: Duration = Duration::from_secs(1);
/// Number of parts in which the table is searched for silent streams, one part per tick.
const SWEEP_PARTS: usize = 5;
/// Time without progress after which a stream drops the page that was read from the store for it.
const PAGE_KEPT: Duration = Duration::from_secs(5);

/// The configuration of a reactor.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Maximum time that a stream can make no progress.
    pub stall_timeout: Duration,
    /// Silence after which a stream gets a comment.
    pub keepalive: Duration,
}

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
                Command::Stop => self.stopping = true,
                Command::HangUp => {
                    let keys: Vec<_> = self.streams.iter().map(|(key, _)| key).collect();
                    for key in keys {
                        self.close(key);
                    }
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

    /// Returns a subscription to its stream after the librarian has read for it.
    fn read_back(&mut self, ReadBack { key, serial, subscription, outcome }: ReadBack) {
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

    fn tick(&mut self) {
        let now = Instant::now();
        let part = self.ticks % SWEEP_PARTS;
        self.ticks += 1;
        let mut gone = Vec::new();
        for (key, stream) in self.streams.iter_mut().filter(|(key, _)| key % SWEEP_PARTS == part) {
            // A part is looked at every few ticks: silence is ended a little early rather than late.
            let silent =
                now.duration_since(stream.last_write()) + TICK * SWEEP_PARTS as u32 > self.config.keepalive;
            if silent && self.pump.keep_alive(stream) == Flow::Gone {
                gone.push(key);
            }
        }
        let streams = &mut self.streams;
        let stall_timeout = self.config.stall_timeout;
        let counts = &self.counts;
        self.stalled.retain(|key| {
            let Some(stream) = streams.get_mut(*key) else { return false };
            let Some(since) = stream.stalled_since() else { return false };
            let stalled_for = now.duration_since(since);
            if stalled_for >= stall_timeout {
                counts.stalled.inc();
                gone.push(*key);
            } else if stalled_for >= PAGE_KEPT {
                stream.forget_page();
            }
            stalled_for < stall_timeout
        });
        self.stalled.sort_unstable();
        self.stalled.dedup();
        for key in gone {
            self.close(key);
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
