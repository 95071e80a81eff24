//! Keep-alive connections that post one request at a time.

use std::{
    io::{ErrorKind, Read, Write},
    net::{self, SocketAddr},
};

use anyhow::{Context, Result, bail};
use mio::{Interest, Registry, Token, net::TcpStream};

use super::{Clock, Observer, PUBLISHER_TOKENS};
use crate::{
    histogram::Histogram,
    wire::{request, response::ResponseReader},
};

struct Publisher {
    stream: TcpStream,
    request: Vec<u8>,
    written: usize,
    sent_at_ns: u64,
    number: u64,
    reader: ResponseReader,
}

pub(crate) struct Publishers {
    server: SocketAddr,
    /// The path of pushes.
    pub(crate) path: &'static str,
    pub(crate) pushed: u64,
    all: Vec<Publisher>,
    idle: Vec<usize>,
    pub(crate) answered: u64,
    /// From the first byte of the request to the last byte of the response.
    pub(crate) latency: Histogram,
    /// The first answer that was not a success, in full.
    pub(crate) first_refusal: Option<String>,
    pub(crate) refused: u64,
}

impl Publishers {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self {
            server,
            path: "/api/push",
            pushed: 0,
            all: Vec::new(),
            idle: Vec::new(),
            answered: 0,
            latency: Histogram::new(),
            first_refusal: None,
            refused: 0,
        }
    }

    pub(super) fn connect(&mut self, count: usize, registry: &Registry) -> Result<()> {
        for _ in 0..count {
            let stream = net::TcpStream::connect(self.server).context("connecting a publisher")?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let token = Token(PUBLISHER_TOKENS + self.all.len());
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            self.idle.push(self.all.len());
            self.all.push(Publisher {
                stream,
                request: Vec::new(),
                written: 0,
                sent_at_ns: 0,
                number: 0,
                reader: ResponseReader::default(),
            });
        }
        Ok(())
    }

    pub(crate) fn idle(&self) -> usize {
        self.idle.len()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.all.len() - self.idle.len()
    }

    /// Pushes `body`. There must be an idle publisher.
    pub(crate) fn push(&mut self, body: &str, clock: Clock) -> Result<()> {
        let index = self.idle.pop().context("no publisher is idle")?;
        let publisher = &mut self.all[index];
        publisher.request = request::post_json(self.server, self.path, body);
        publisher.written = 0;
        publisher.number = self.pushed;
        self.pushed += 1;
        publisher.sent_at_ns = clock.ns();
        publisher.write()
    }

    /// Fails if an answer was not a success: the numbers of such a run mean nothing.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.first_refusal {
            Some(refusal) => bail!("{} pushes were refused, the first with: {refusal}", self.refused),
            None => Ok(()),
        }
    }

    pub(super) fn ready(
        &mut self,
        index: usize,
        buffer: &mut [u8],
        clock: Clock,
        observer: &mut impl Observer,
    ) -> Result<()> {
        let publisher = &mut self.all[index];
        publisher.write()?;
        loop {
            let len = match publisher.stream.read(buffer) {
                Ok(0) => bail!("the server hung up on a publisher"),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("reading the answer to a push"),
            };
            let Some(response) = publisher.reader.feed(&buffer[..len])? else { continue };
            self.answered += 1;
            let at_ns = clock.ns();
            self.latency.record(at_ns - publisher.sent_at_ns);
            observer.answered(publisher.number, at_ns);
            self.idle.push(index);
            if response.status != 200 {
                self.refused += 1;
                let text = String::from_utf8_lossy(&response.body);
                self.first_refusal.get_or_insert_with(|| format!("{} {text}", response.status));
            }
        }
    }
}

impl Publisher {
    fn write(&mut self) -> Result<()> {
        while self.written < self.request.len() {
            match self.stream.write(&self.request[self.written..]) {
                Ok(len) => self.written += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("sending a push"),
            }
        }
        Ok(())
    }
}
