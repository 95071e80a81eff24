//! Calls over keep-alive HTTP/1.1: one at a time on each connection.

use std::{
    io::{ErrorKind, Read, Write},
    net::{self, SocketAddr},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use super::{Transport, book::Book};
use crate::wire::response::ResponseReader;

struct Connection {
    stream: TcpStream,
    reader: ResponseReader,
}

pub(super) struct Http {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
}

impl Http {
    pub(super) fn connect(server: SocketAddr, connections: usize) -> Result<Self> {
        ensure!(server.ip().is_loopback(), "load goes to loopback addresses only, {server} is none");
        let poll = Poll::new()?;
        let mut all = Vec::with_capacity(connections);
        for index in 0..connections {
            let stream = net::TcpStream::connect(server).context("connecting")?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            all.push(Connection { stream, reader: ResponseReader::default() });
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(connections),
            connections: all,
            buffer: vec![0; 16 * 1024],
        })
    }
}

impl Transport for Http {
    fn send(&mut self, lane: usize, call: &[u8]) -> Result<()> {
        self.connections[lane].send(call)
    }

    fn turn(&mut self, book: &mut Book, timeout: Duration) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            let connection = &mut self.connections[event.token().0];
            if connection.read(&mut self.buffer, book)?
                && let Some(call) = book.next_call()
            {
                connection.send(call)?;
            }
        }
        Ok(())
    }
}

impl Connection {
    fn send(&mut self, call: &[u8]) -> Result<()> {
        // With one running call the socket's buffer is empty, and a call is much smaller.
        let len = self.stream.write(call).context("sending a call")?;
        ensure!(len == call.len(), "only {len} of {} bytes of a call were taken", call.len());
        Ok(())
    }

    /// Reads until the answer is complete, or until there is nothing more; returns which.
    fn read(&mut self, buffer: &mut [u8], book: &mut Book) -> Result<bool> {
        loop {
            let len = match self.stream.read(buffer) {
                Ok(0) => bail!("the server hung up"),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("reading an answer"),
            };
            let Some(response) = self.reader.feed(&buffer[..len])? else { continue };
            ensure!(
                response.status == 200,
                "a call was answered {} {}",
                response.status,
                String::from_utf8_lossy(&response.body)
            );
            book.answer(&response.body)?;
            // Nothing follows an answer before the next call; epoll reports later data.
            return Ok(true);
        }
    }
}
