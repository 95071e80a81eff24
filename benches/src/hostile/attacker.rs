//! The tools of the hostile client: connections from its own IP address, as another machine would have, rude
//! requests, and connections that it keeps and never reads.

use std::{
    cell::Cell,
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::Result;
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
