//! The floor: the minimum work of a server for the same bytes on the same number of sockets. One loop, one `write(2)`
//! per subscriber and event, and nothing else: no log, no limits, no slow subscribers.

use std::{
    io::{ErrorKind, Read},
    net::SocketAddr,
};

use anyhow::{Context, Result, ensure};
use mio::{
    Events, Interest, Poll, Registry, Token,
    net::{TcpListener, TcpStream},
};

use crate::{
    mcp,
    process::allow_open_files,
    report::say,
    wire::head::{Head, Length},
};

const LISTENER: Token = Token(usize::MAX);
/// The published hard limit of the reference machine is 20,000 open files.
const CONNECTIONS_MAX: usize = 19_000;
const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\r\nretry: 1500\n: floor\n\n";

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// One write per event, or one for everything that was published during a turn of the loop
    #[arg(long, value_enum, default_value_t = Method::Write)]
    method: Method,
    /// Answer MCP calls on stdin and stdout instead of listening
    #[arg(long)]
    stdio: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Method {
    Coalesce,
    Write,
}

impl Method {
    /// Returns the name in the option `--method`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Coalesce => "coalesce",
            Self::Write => "write",
        }
    }
}

/// Serves until it is killed.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.stdio {
        return mcp::floor::serve_stdio();
    }
    ensure!(options.listen.ip().is_loopback(), "the floor has no protection: it listens on loopback only");
    allow_open_files(0)?;
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(options.listen)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    say(format_args!("listening on http://{}", listener.local_addr()?));
    let mut floor = Floor { method: options.method, ..Floor::default() };
    let mut ready = Events::with_capacity(1024);
    loop {
        match poll.poll(&mut ready, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &ready {
            match event.token() {
                LISTENER => floor.accept(&listener, poll.registry())?,
                Token(index) => floor.read(index)?,
            }
        }
        floor.publish()?;
    }
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
}

struct Floor {
    method: Method,
    connections: Vec<Option<Connection>>,
    /// The subscribers, in order of arrival.
    subscribers: Vec<usize>,
    /// Frames that were published and not yet written, and the connections that wait for the answers.
    frames: Vec<u8>,
    unanswered: Vec<(usize, u64)>,
    seq: u64,
    buffer: Vec<u8>,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            method: Method::Write,
            connections: Vec::new(),
            subscribers: Vec::new(),
            frames: Vec::new(),
            unanswered: Vec::new(),
            seq: 0,
            buffer: vec![0; 64 * 1024],
        }
    }
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener, registry: &Registry) -> Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("accepting"),
            };
            ensure!(
                self.connections.len() < CONNECTIONS_MAX,
                "over {CONNECTIONS_MAX} connections in one run"
            );
            stream.set_nodelay(true)?;
            registry.register(&mut stream, Token(self.connections.len()), Interest::READABLE)?;
            self.connections.push(Some(Connection { stream, request: Vec::new() }));
        }
    }

    fn read(&mut self, index: usize) -> Result<()> {
        while let Some(connection) = &mut self.connections[index] {
            match connection.stream.read(&mut self.buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Ok(len) if len > 0 => connection.request.extend_from_slice(&self.buffer[..len]),
                Ok(_) | Err(_) => {
                    self.connections[index] = None;
                    self.subscribers.retain(|subscriber| *subscriber != index);
                    return Ok(());
                }
            }
            self.serve(index)?;
        }
        Ok(())
    }

    /// Answers the request that has arrived, if it is whole.
    fn serve(&mut self, index: usize) -> Result<()> {
        let Some(connection) = &mut self.connections[index] else { return Ok(()) };
        let Some(head) = Head::parse(&connection.request)? else { return Ok(()) };
        if head.first_line.starts_with("GET ") {
            rustix::io::write(&connection.stream, STREAM_HEAD)?;
            // An idle subscriber of the floor costs its socket and nothing more.
            connection.request = Vec::new();
            self.subscribers.push(index);
            return Ok(());
        }
        let Length::Bytes(len) = head.length else { return Ok(()) };
        let Some(body) = connection.request.get(head.len..head.len + len) else { return Ok(()) };
        self.seq += 1;
        if head.first_line.starts_with("POST /mcp ") {
            write_answer(&connection.stream, &mcp::floor::answer(body, self.seq)?)?;
            connection.request.clear();
            return Ok(());
        }
        append_frame(&mut self.frames, self.seq, message_of(body));
        connection.request.clear();
        self.unanswered.push((index, self.seq));
        match self.method {
            Method::Coalesce => Ok(()),
            Method::Write => self.publish(),
        }
    }

    fn publish(&mut self) -> Result<()> {
        if self.frames.is_empty() {
            return Ok(());
        }
        for subscriber in &self.subscribers {
            let Some(Connection { stream, .. }) = &self.connections[*subscriber] else { continue };
            let written = rustix::io::write(stream, &self.frames);
            ensure!(written == Ok(self.frames.len()), "the floor knows no slow readers: {written:?}");
        }
        self.frames.clear();
        for (publisher, seq) in self.unanswered.drain(..) {
            let Some(Connection { stream, .. }) = &self.connections[publisher] else { continue };
            let body = format!(r#"{{"status":"success","id":"k3f9x2ab-{seq}"}}"#);
            write_answer(stream, &body)?;
        }
        Ok(())
    }
}

fn write_answer(stream: &TcpStream, body: &str) -> Result<()> {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    rustix::io::write(stream, answer.as_bytes())?;
    Ok(())
}

/// The text in `{"message":"…"}`; the generator's messages need no unescaping.
fn message_of(body: &[u8]) -> &[u8] {
    body.strip_prefix(br#"{"message":""#).and_then(|rest| rest.strip_suffix(br#""}"#)).unwrap_or(body)
}

/// The same number of bytes as Fanfare's default stream has for the event; the timestamp is constant.
fn append_frame(frames: &mut Vec<u8>, seq: u64, message: &[u8]) {
    frames.extend_from_slice(format!("id: k3f9x2ab-{seq}\n").as_bytes());
    frames.extend_from_slice(b"data: [2026-11-21T08:00:00.123456+00:00] ");
    frames.extend_from_slice(message);
    frames.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::{append_frame, message_of};

    #[test]
    fn a_frame_looks_like_fanfares() {
        let mut frames = Vec::new();
        append_frame(&mut frames, 1_042, message_of(br#"{"message":"hello"}"#));
        let expected = "id: k3f9x2ab-1042\ndata: [2026-11-21T08:00:00.123456+00:00] hello\n\n";
        assert_eq!(String::from_utf8_lossy(&frames), expected);
    }
}
