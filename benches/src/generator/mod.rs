//! The generator: one thread, one epoll loop, many subscribers and a few publishers.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use mio::{Events, Poll};

use publishers::Publishers;
use receivers::Receivers;
use subscribers::Subscribers;

use crate::wire::sse::Frame;

pub(crate) mod publishers;
pub(crate) mod receivers;
pub(crate) mod subscribers;
pub(crate) mod tally;

/// Tokens of publishers start here, those of subscribers at 0.
const PUBLISHER_TOKENS: usize = 1 << 20;
/// Those of receivers of webhooks here.
const RECEIVER_TOKENS: usize = 1 << 21;
/// Number of sockets that one turn of the loop examines.
const READY_MAX: usize = 1024;
/// Size of a read: the usual content of a socket's receive buffer.
const READ_LEN: usize = 256 * 1024;
const CONNECT_DEADLINE: Duration = Duration::from_secs(120);

/// Monotonic nanoseconds since the generator was built.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn ns(self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// The callbacks of the loop.
pub(crate) trait Observer {
    fn frame(&mut self, _subscriber: usize, _frame: Frame<'_>, _at_ns: u64) {}

    /// A webhook came.
    fn delivery(&mut self, _receiver: usize, _body: &[u8], _at_ns: u64) {}

    /// The push with this number, from 0, was answered.
    fn answered(&mut self, _push: u64, _at_ns: u64) {}
}

pub(crate) struct Generator {
    pub(crate) clock: Clock,
    pub(crate) subscribers: Subscribers,
    pub(crate) publishers: Publishers,
    pub(crate) receivers: Receivers,
    /// Maximum sleep of the loop: anything due meanwhile leaves late.
    pub(crate) turn_max: Duration,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
}

impl Generator {
    pub(crate) fn new(server: SocketAddr) -> Result<Self> {
        ensure!(server.ip().is_loopback(), "load goes to loopback addresses only, {server} is none");
        Ok(Self {
            clock: Clock::start(),
            subscribers: Subscribers::new(server),
            publishers: Publishers::new(server),
            receivers: Receivers::new(),
            turn_max: Duration::from_millis(20),
            poll: Poll::new()?,
            events: Events::with_capacity(READY_MAX),
            buffer: vec![0; READ_LEN],
        })
    }

    /// Opens `count` more subscribers of `path` and waits until each has its response head.
    pub(crate) fn subscribe(&mut self, count: usize, path: &str, observer: &mut impl Observer) -> Result<()> {
        let deadline = Instant::now() + CONNECT_DEADLINE;
        self.subscribers.add(count, path);
        while self.subscribers.connecting() > 0 {
            self.subscribers.connect_some(self.poll.registry())?;
            self.turn(Duration::from_millis(100), observer)?;
            ensure!(
                Instant::now() < deadline,
                "{} subscribers are not connected after {CONNECT_DEADLINE:?}",
                self.subscribers.connecting()
            );
        }
        Ok(())
    }

    pub(crate) fn connect_publishers(&mut self, count: usize) -> Result<()> {
        self.publishers.connect(count, self.poll.registry())
    }

    pub(crate) fn receive_webhooks(&mut self) -> Result<()> {
        self.receivers.listen(self.poll.registry())
    }

    /// Waits for something to happen, at most `timeout`, and deals with it.
    pub(crate) fn turn(&mut self, timeout: Duration, observer: &mut impl Observer) -> Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(timeout))
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            return Err(anyhow!(error).context("epoll"));
        }
        for event in &self.events {
            match event.token().0 {
                receivers::LISTENER => self.receivers.accept(self.poll.registry())?,
                token if token > receivers::LISTENER => {
                    let connection = token - receivers::LISTENER - 1;
                    self.receivers.ready(connection, &mut self.buffer, self.clock, observer)?;
                }
                token if token >= PUBLISHER_TOKENS => {
                    let publisher = token - PUBLISHER_TOKENS;
                    self.publishers.ready(publisher, &mut self.buffer, self.clock, observer)?;
                }
                subscriber => {
                    self.subscribers.ready(subscriber, &mut self.buffer, self.clock, observer)?;
                }
            }
        }
        Ok(())
    }

    /// Turns the loop until `done`, or until nothing arrives for `patience`; returns whether it was done.
    pub(crate) fn turn_until<O: Observer>(
        &mut self,
        patience: Duration,
        observer: &mut O,
        mut done: impl FnMut(&mut Self, &mut O) -> Result<bool>,
    ) -> Result<bool> {
        let heard_of = |generator: &Self| {
            (generator.subscribers.bytes_read, generator.publishers.answered, generator.receivers.requests)
        };
        let mut heard = (heard_of(self), Instant::now());
        loop {
            if done(self, observer)? {
                return Ok(true);
            }
            self.turn(self.turn_max, observer)?;
            let now = heard_of(self);
            if now != heard.0 {
                heard = (now, Instant::now());
            } else if heard.1.elapsed() > patience {
                return Ok(false);
            }
        }
    }
}
