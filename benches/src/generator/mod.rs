//! The generator: one thread, one epoll loop, many subscribers and a few publishers.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use mio::{Events, Poll};

use publishers::Publishers;
use subscribers::Subscribers;

use crate::wire::sse::Frame;

pub(crate) mod publishers;
pub(crate) mod subscribers;
pub(crate) mod tally;

/// Tokens of publishers start here, those of subscribers at 0.
const PUBLISHER_TOKENS: usize = 1 << 20;
/// As many sockets as one turn of the loop looks at.
const READY_MAX: usize = 1024;
/// One read takes what a socket's receive buffer usually holds.
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

/// What the loop tells its user.
pub(crate) trait Observer {
    fn frame(&mut self, subscriber: usize, frame: Frame<'_>, at_ns: u64);
}

pub(crate) struct Generator {
    pub(crate) clock: Clock,
    pub(crate) subscribers: Subscribers,
    pub(crate) publishers: Publishers,
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

    /// Waits for something to happen, at most `timeout`, and deals with it.
    pub(crate) fn turn(&mut self, timeout: Duration, observer: &mut impl Observer) -> Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(timeout))
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            return Err(anyhow!(error).context("epoll"));
        }
        for event in &self.events {
            match event.token().0.checked_sub(PUBLISHER_TOKENS) {
                None => {
                    self.subscribers.ready(event.token().0, &mut self.buffer, self.clock, observer)?;
                }
                Some(publisher) => {
                    self.publishers.ready(publisher, &mut self.buffer, self.clock)?;
                }
            }
        }
        Ok(())
    }

    /// Turns the loop until `done`, or until nothing was heard for `patience`; says whether it was done.
    pub(crate) fn turn_until<O: Observer>(
        &mut self,
        patience: Duration,
        observer: &mut O,
        mut done: impl FnMut(&mut Self, &mut O) -> Result<bool>,
    ) -> Result<bool> {
        let mut heard = (self.subscribers.bytes_read, self.publishers.answered, Instant::now());
        loop {
            if done(self, observer)? {
                return Ok(true);
            }
            self.turn(Duration::from_millis(20), observer)?;
            let now = (self.subscribers.bytes_read, self.publishers.answered);
            if now != (heard.0, heard.1) {
                heard = (now.0, now.1, Instant::now());
            } else if heard.2.elapsed() > patience {
                return Ok(false);
            }
        }
    }
}
