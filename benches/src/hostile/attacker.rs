//! The tools of the hostile client: connections from its own IP address, as another machine would have, rude
//! requests, and connections that it keeps and never reads.

use std::{
    cell::Cell,
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use socket2::{Domain, Socket, Type};

/// The address it connects from; the guest uses 127.0.0.1.
const SOURCE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66)), 0);
/// Maximum time for one step: an attack that has to wait longer goes on with something else.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of an answer that are read to find what was said.
const ANSWER_LEN: usize = 4 * 1024;

/// One attack of the hostile client; it gives up when its time is over.
#[derive(Debug)]
pub(super) struct Attacker {
    pub(super) server: SocketAddr,
    end: Instant,
    succeeded: Cell<u64>,
}

/// What a connection that is kept must have got when it is released, to count as a success.
#[derive(Clone, Copy, Debug)]
pub(super) enum Got {
    /// Nothing: the server still waits for the request.
    Nothing,
    /// An answer with this status.
    Status(u16),
}

/// Connections that are kept and not read; a success is counted when one is released.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    attacker: &'a Attacker,
    most: usize,
    got: Got,
    streams: VecDeque<TcpStream>,
}

/// The part of an answer that was read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    text: String,
}

impl Answer {
    /// Returns the value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.text.split("\r\n").take_while(|line| !line.is_empty());
        let mut fields = lines.filter_map(|line| line.split_once(": "));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Attacker {
    pub(super) fn new(server: SocketAddr, end: Instant) -> Self {
        Self { server, end, succeeded: Cell::new(0) }
    }

    pub(super) fn succeed(&self) {
        self.succeeded.set(self.succeeded.get() + 1);
    }

    pub(super) fn succeeded(&self) -> u64 {
        self.succeeded.get()
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    pub(super) fn connect(&self) -> Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // A port that is taken at the bind is taken from everybody, also while a closed connection lingers: the guest
        // would run out of ports (ip(7)).
        setsockopt(&socket, IpBindAddressNoPort, &true)?;
        socket.bind(&SOURCE.into())?;
        socket.connect_timeout(&self.server.into(), PATIENCE)?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Opens a connection, sends `bytes`, and reads nothing.
    pub(super) fn send(&self, bytes: &[u8]) -> Result<TcpStream> {
        let mut stream = self.connect()?;
        stream.write_all(bytes)?;
        Ok(stream)
    }

    /// Opens a stream, and reads no more than that it has begun.
    pub(super) fn open(&self, request: &[u8]) -> Result<TcpStream> {
        let mut stream = self.send(request)?;
        let status = read_answer(&mut stream)?.status;
        ensure!(status == 200, "a stream was answered {status}");
        Ok(stream)
    }

    /// Sends a request on a connection of its own, and reads the beginning of the answer.
    pub(super) fn ask(&self, request: &[u8]) -> Result<Answer> {
        let mut stream = self.send(request)?;
        let answer = read_answer(&mut stream)?;
        // The rest does not matter.
        let _ = stream.shutdown(Shutdown::Both);
        Ok(answer)
    }

    pub(super) fn get(&self, path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.server).into_bytes()
    }

    pub(super) fn post(&self, path: &str, headers: &str, body: &str) -> Vec<u8> {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.server,
            body.len()
        )
        .into_bytes()
    }

    /// Pushes `count` messages of `len` bytes in one batch.
    pub(super) fn push(&self, channel: &str, kind: &str, count: usize, len: usize) -> Result<Answer> {
        let event = format!(r#"{{"channel":"{channel}","type":"{kind}","message":"{}"}}"#, "x".repeat(len));
        self.ask(&self.post("/api/push", "", &format!("[{}]", vec![event; count].join(","))))
    }
}

impl<'a> Kept<'a> {
    /// Keeps the newest `most` connections.
    pub(super) fn new(attacker: &'a Attacker, most: usize, got: Got) -> Self {
        Self { attacker, most, got, streams: VecDeque::with_capacity(most) }
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    /// Keeps one more, and releases the oldest if they are too many. Returns whether it did.
    pub(super) fn push(&mut self, stream: TcpStream) -> bool {
        self.streams.push_back(stream);
        let oldest = (self.streams.len() > self.most).then(|| self.streams.pop_front()).flatten();
        let has_released = oldest.is_some();
        if let Some(oldest) = oldest {
            self.release(oldest, Instant::now());
        }
        has_released
    }

    /// Drops the connections for which `keep` returns false, without counting them as successes.
    pub(super) fn retain(&mut self, keep: impl FnMut(&mut TcpStream) -> bool) {
        self.streams.retain_mut(keep);
    }

    /// Counts a success if the connection has got, by `deadline`, what it must.
    fn release(&self, mut stream: TcpStream, deadline: Instant) {
        let has_got = match self.got {
            Got::Nothing => is_waited_for(&stream),
            Got::Status(wanted) => {
                let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
                stream.set_read_timeout(Some(left)).is_ok()
                    && read_answer(&mut stream).is_ok_and(|answer| answer.status == wanted)
            }
        };
        if has_got {
            self.attacker.succeed();
        }
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        for stream in std::mem::take(&mut self.streams) {
            self.release(stream, deadline);
        }
    }
}

/// Returns whether the connection is open and the server has said nothing.
fn is_waited_for(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).is_ok()
        && stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn read_answer(stream: &mut TcpStream) -> Result<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = [0; ANSWER_LEN];
    while bytes.len() < ANSWER_LEN && !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => break,
            len => bytes.extend_from_slice(&buffer[..len]),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok(Answer { status, text })
}
