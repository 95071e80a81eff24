//! Many subscribers of `/stream` in one epoll loop, each as cheap as possible.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
};

use anyhow::{Context, Result, bail};
use mio::{Interest, Registry, Token, net::TcpStream};

use super::{Clock, Observer};
use crate::wire::{request, stream::StreamReader};

/// Fewer than any listen backlog, so that no SYN is dropped and sent again a second later.
const CONNECTING_MAX: usize = 128;

enum State {
    Closed,
    Connecting,
    Open,
    Waiting,
}

struct Subscriber {
    state: State,
    stream: Option<TcpStream>,
    reader: StreamReader,
    path: usize,
}

pub(crate) struct Subscribers {
    server: SocketAddr,
    all: Vec<Subscriber>,
    paths: Vec<String>,
    waiting: VecDeque<usize>,
    in_handshake: usize,
    pub(crate) bytes_read: u64,
    pub(crate) reads: u64,
    /// Number of streams that ended before they were closed here.
    pub(crate) closed_early: usize,
}

impl Subscribers {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self {
            server,
            all: Vec::new(),
            paths: Vec::new(),
            waiting: VecDeque::new(),
            in_handshake: 0,
            bytes_read: 0,
            reads: 0,
            closed_early: 0,
        }
    }

    pub(super) fn add(&mut self, count: usize, path: &str) {
        let path_index = self.paths.len();
        self.paths.push(path.to_owned());
        for _ in 0..count {
            self.waiting.push_back(self.all.len());
            let reader = StreamReader::default();
            self.all.push(Subscriber { state: State::Waiting, stream: None, reader, path: path_index });
        }
    }

    pub(super) fn connecting(&self) -> usize {
        self.waiting.len() + self.in_handshake
    }

    pub(crate) fn close(&mut self, index: usize) {
        self.all[index].state = State::Closed;
        self.all[index].stream = None;
    }

    pub(super) fn connect_some(&mut self, registry: &Registry) -> Result<()> {
        while self.in_handshake < CONNECTING_MAX
            && let Some(index) = self.waiting.pop_front()
        {
            let mut stream = TcpStream::connect(self.server)?;
            registry.register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
            self.all[index].stream = Some(stream);
            self.all[index].state = State::Connecting;
            self.in_handshake += 1;
        }
        Ok(())
    }

    pub(super) fn ready(
        &mut self,
        index: usize,
        buffer: &mut [u8],
        clock: Clock,
        observer: &mut impl Observer,
    ) -> Result<()> {
        let Some(Subscriber { state, stream: Some(stream), reader, path }) = self.all.get_mut(index) else {
            return Ok(());
        };
        if let State::Connecting = state {
            if let Some(error) = stream.take_error()? {
                return Err(error).context("a subscriber was not let in");
            }
            if stream.peer_addr().is_err() {
                return Ok(());
            }
            let get = request::get(self.server, &self.paths[*path], "text/event-stream", "");
            stream.write_all(&get).context("the request of a subscriber was not taken")?;
            *state = State::Open;
        }
        loop {
            let len = match stream.read(buffer) {
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
                Err(error) => return Err(error).context("reading a stream"),
            };
            let was_open = reader.is_open();
            if len == 0 {
                if !was_open {
                    bail!("the server hung up on a subscriber before it answered");
                }
                self.closed_early += 1;
                self.close(index);
                return Ok(());
            }
            self.bytes_read += len as u64;
            self.reads += 1;
            let at_ns = clock.ns();
            reader.feed(&buffer[..len], |frame| observer.frame(index, frame, at_ns))?;
            self.in_handshake -= usize::from(!was_open && reader.is_open());
            if len < buffer.len() {
                // The read filled less than the buffer: the socket is empty, and edge-triggered epoll reports when it
                // no longer is. This saves the second system call for each event.
                return Ok(());
            }
        }
    }
}
