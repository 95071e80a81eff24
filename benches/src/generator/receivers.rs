//! Receivers of webhooks in the same epoll loop, each as cheap as can be: HTTP/1.1 on connections that stay open.
//!
//! All listen on one port; the path of a request names its webhook.

use std::{
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
};

use anyhow::{Context, Result, bail};
use mio::{
    Interest, Registry, Token,
    net::{TcpListener, TcpStream},
};

use super::{Clock, Observer, RECEIVER_TOKENS};
use crate::wire::head::{Head, Length};

/// The first path of a receiver; its number follows.
const PATH: &str = "POST /hook/";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// The listener's token; connections have those after it.
pub(super) const LISTENER: usize = RECEIVER_TOKENS;
/// More than 128 requests at a time to each of a few hundred receivers: over it, connections are not used again.
const CONNECTIONS_MAX: usize = 19_000;

struct Connection {
    stream: TcpStream,
    /// The part of a request that has arrived so far.
    request: Vec<u8>,
}

pub(crate) struct Receivers {
    listener: Option<TcpListener>,
    address: Option<SocketAddr>,
    connections: Vec<Option<Connection>>,
    /// Receivers from this number on accept requests and never answer.
    pub(crate) answering: usize,
    pub(crate) requests: u64,
    pub(crate) opened: u64,
}

impl Receivers {
    pub(super) fn new() -> Self {
        Self {
            listener: None,
            address: None,
            connections: Vec::new(),
            answering: usize::MAX,
            requests: 0,
            opened: 0,
        }
    }

    pub(super) fn listen(&mut self, registry: &Registry) -> Result<()> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut listener = TcpListener::bind(loopback).context("receivers cannot listen")?;
        registry.register(&mut listener, Token(LISTENER), Interest::READABLE)?;
        self.address = Some(listener.local_addr()?);
        self.listener = Some(listener);
        Ok(())
    }

    /// The address of a receiver.
    pub(crate) fn url(&self, receiver: usize) -> Result<String> {
        let address = self.address.context("receivers do not listen yet")?;
        Ok(format!("http://{address}/hook/{receiver}"))
    }

    pub(super) fn accept(&mut self, registry: &Registry) -> Result<()> {
        let Some(listener) = &self.listener else { return Ok(()) };
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("accepting a webhook"),
            };
            if self.connections.len() >= CONNECTIONS_MAX {
                bail!("over {CONNECTIONS_MAX} connections of webhooks in one run: they are not used again");
            }
            stream.set_nodelay(true)?;
            let token = Token(LISTENER + 1 + self.connections.len());
            registry.register(&mut stream, token, Interest::READABLE)?;
            self.connections.push(Some(Connection { stream, request: Vec::new() }));
            self.opened += 1;
        }
    }

    pub(super) fn ready(
        &mut self,
        index: usize,
        buffer: &mut [u8],
        clock: Clock,
        observer: &mut impl Observer,
    ) -> Result<()> {
        loop {
            let Some(Some(connection)) = self.connections.get_mut(index) else { return Ok(()) };
            let len = match connection.stream.read(buffer) {
                Ok(len) if len > 0 => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // The sender closes idle connections, and aborts requests that are not answered.
                Ok(_) | Err(_) => {
                    self.connections[index] = None;
                    return Ok(());
                }
            };
            let was_empty = connection.request.is_empty();
            if !was_empty {
                connection.request.extend_from_slice(&buffer[..len]);
            }
            let bytes = if was_empty { &buffer[..len] } else { &connection.request };
            let Some(request) = Request::parse(bytes)? else {
                if was_empty {
                    connection.request.extend_from_slice(&buffer[..len]);
                }
                continue;
            };
            self.requests += 1;
            observer.delivery(request.receiver, request.body, clock.ns());
            if request.receiver < self.answering {
                connection.stream.write_all(ANSWER).context("an answer was not taken")?;
            }
            connection.request.clear();
            if len < buffer.len() {
                // As with subscribers: the socket is empty.
                return Ok(());
            }
        }
    }
}

struct Request<'a> {
    receiver: usize,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Parses a request that is alone on its connection; `None` if it is incomplete.
    fn parse(bytes: &'a [u8]) -> Result<Option<Self>> {
        let Some(head) = Head::parse(bytes)? else { return Ok(None) };
        let Length::Bytes(len) = head.length else {
            bail!("a webhook without a length: {}", head.first_line)
        };
        let Some(body) = bytes.get(head.len..head.len + len) else { return Ok(None) };
        let path = head.first_line.strip_prefix(PATH).and_then(|rest| rest.split(' ').next());
        let receiver = path.and_then(|path| path.parse().ok());
        let receiver = receiver.with_context(|| format!("a request for nobody: {}", head.first_line))?;
        Ok(Some(Self { receiver, body }))
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn a_request_is_read_once_it_is_whole() {
        let wire = b"POST /hook/17 HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody";
        for len in 0..wire.len() {
            assert!(Request::parse(&wire[..len]).expect("a beginning").is_none());
        }
        let request = Request::parse(wire).expect("well formed").expect("whole");
        assert_eq!((request.receiver, request.body), (17, &b"body"[..]));
    }

    #[test]
    fn a_request_for_nobody_is_an_error() {
        for wire in [
            &b"POST /other HTTP/1.1\r\ncontent-length: 0\r\n\r\n"[..],
            b"GET /hook/1 HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
            b"POST /hook/1 HTTP/1.1\r\n\r\n",
        ] {
            assert!(Request::parse(wire).is_err());
        }
    }
}
