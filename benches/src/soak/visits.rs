//! Clients that connect, do something, and leave, cleanly or not.

use std::{
    io::Write,
    sync::atomic::Ordering,
    thread::{Scope, ScopedJoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Soak, listener::Listener, pushers::CHANNELS};
use crate::{
    client::{Client, Stream, connect},
    pause::pause,
    rng::Rng,
    wire::{message::number_in, request, sse::Frame, websocket::WebSocket},
};

const PATIENCE: Duration = Duration::from_millis(50);
/// Maximum length of a visit, and of the pause between two.
const STAY_MS_MAX: u64 = 400;
const AWAY_MS_MAX: u64 = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Stream,
    WebSocket,
    Session,
    Reader,
    Socket,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] =
        [Kind::Stream, Kind::WebSocket, Kind::Session, Kind::Reader, Kind::Socket];

    /// Number of clients of this kind.
    fn crowd(self) -> usize {
        match self {
            Kind::Stream => 6,
            Kind::WebSocket => 4,
            Kind::Session | Kind::Socket => 3,
            Kind::Reader => 2,
        }
    }
}

pub(super) fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    soak: &'scope Soak,
    rng: &mut Rng,
) -> Vec<ScopedJoinHandle<'scope, ()>> {
    let mut threads = Vec::new();
    for kind in Kind::ALL {
        for number in 0..kind.crowd() {
            let mut guest = Guest { soak, rng: rng.fork(), number, listener: Listener::default() };
            guest.listener.is_filtered = number % 2 == 1;
            threads.push(scope.spawn(move || {
                if let Err(error) = guest.visits(kind) {
                    soak.load.complain(format!("a guest ({kind:?} {number}): {error:#}"));
                }
            }));
        }
    }
    threads
}

/// One client, over all its visits.
struct Guest<'a> {
    soak: &'a Soak,
    rng: Rng,
    number: usize,
    listener: Listener,
}

impl Guest<'_> {
    fn visits(&mut self, kind: Kind) -> Result<()> {
        while !self.soak.is_over() {
            match kind {
                Kind::Stream => self.stream()?,
                Kind::WebSocket => self.websocket()?,
                Kind::Session => self.session()?,
                Kind::Reader => self.reader()?,
                Kind::Socket => self.socket()?,
            }
            self.soak.visits[kind as usize].fetch_add(1, Ordering::Relaxed);
            pause(Duration::from_millis(self.rng.below(AWAY_MS_MAX)));
        }
        self.soak.events.fetch_add(self.listener.events, Ordering::Relaxed);
        Ok(())
    }

    fn until(&mut self) -> Instant {
        Instant::now() + Duration::from_millis(self.rng.below(STAY_MS_MAX))
    }

    /// The channel of a guest that hears only one.
    fn channel(&self) -> Option<&'static str> {
        self.listener.is_filtered.then(|| CHANNELS[self.number % CHANNELS.len()])
    }

    fn stream(&mut self) -> Result<()> {
        let channel = self.channel().map(|channel| format!("?channel={channel}")).unwrap_or_default();
        let last = self.listener.last_id.as_ref();
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let mut stream = Stream::open(self.soak.server(), &format!("/stream{channel}"), &last)?;
        stream.patience(PATIENCE)?;
        let until = self.until();
        while Instant::now() < until {
            ensure!(hear_stream(&mut stream, &mut self.listener)?, "the stream has ended");
        }
        Ok(())
    }

    fn websocket(&mut self) -> Result<()> {
        let server = self.soak.server();
        let mut socket = WebSocket::open(connect(server)?, server, "/ws")?;
        socket.patience(PATIENCE)?;
        let mut subscribe = json!({ "op": "subscribe" });
        if let Some(id) = &self.listener.last_id {
            subscribe["after"] = json!(id);
        }
        if let Some(channel) = self.channel() {
            subscribe["channels"] = json!([channel]);
        }
        socket.send(&subscribe.to_string())?;
        if self.rng.below(4) == 0 {
            let event = json!({ "op": "publish", "event": { "channel": "visits", "message": "hello" } });
            socket.send(&event.to_string())?;
        }
        let until = self.until();
        while Instant::now() < until {
            ensure!(hear_socket(&mut socket, &mut self.listener)?, "the socket has ended");
        }
        match self.rng.below(3) {
            0 => socket.close(),
            // Half a frame.
            1 => socket.send_part(),
            _ => Ok(()),
        }
    }

    /// A legacy session of MCP, which the client ends.
    fn session(&mut self) -> Result<()> {
        let server = self.soak.server();
        let mut client = Client::connect(server)?;
        let mut call = |session: &str, id: u64, method: &str, params: Value| {
            let mut body = json!({ "jsonrpc": "2.0", "method": method, "params": params });
            if id > 0 {
                body["id"] = json!(id);
            }
            let body = body.to_string();
            let head = format!(
                "POST /mcp HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\n\
                 Accept: application/json, text/event-stream\r\n{session}Content-Length: {}\r\n\r\n",
                body.len()
            );
            let response = client.exchange((head + &body).as_bytes())?;
            let text = String::from_utf8_lossy(&response.body).into_owned();
            ensure!(matches!(response.status, 200 | 202), "{method} was answered {} {text}", response.status);
            Ok::<_, anyhow::Error>(response)
        };
        let info = json!({ "name": "fanfare-bench", "version": "1" });
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
        let answer = call("", 1, "initialize", hello)?;
        let id = answer.header("mcp-session-id").context("no session began")?.to_owned();
        let session = format!("Mcp-Session-Id: {id}\r\nMCP-Protocol-Version: 2025-11-25\r\n");
        call(&session, 0, "notifications/initialized", json!({}))?;
        call(&session, 2, "tools/list", json!({}))?;
        let event = json!({ "channel": "visits", "message": "hello", "type": "info" });
        call(&session, 3, "tools/call", json!({ "name": "push_stream", "arguments": event }))?;
        let until = self.until();
        if self.rng.below(2) == 0 {
            // The stream of notifications, which breaks off.
            let mut stream = connect(server)?;
            let headers = format!("{session}\r\n");
            stream.write_all(&request::get(
                server,
                "/mcp",
                "text/event-stream",
                headers.trim_end_matches("\r\n"),
            ))?;
            pause(until.saturating_duration_since(Instant::now()));
        }
        let head = format!("DELETE /mcp HTTP/1.1\r\nHost: {server}\r\n{session}\r\n");
        let mut client = Client::connect(server)?;
        let response = client.exchange(head.as_bytes())?;
        ensure!(response.status == 204, "the end of a session was answered {}", response.status);
        Ok(())
    }

    /// A durable reader that listens, acknowledges and is deleted.
    fn reader(&mut self) -> Result<()> {
        let server = self.soak.server();
        let name = format!("guest-{}-{}", self.number, self.rng.below(4));
        let mut stream = Stream::open(server, &format!("/stream?reader={name}"), "")?;
        stream.patience(PATIENCE)?;
        let mut listener = Listener::default();
        let until = self.until();
        // Without an answer, the reader may not exist.
        while Instant::now() < until || !stream.is_open() {
            ensure!(hear_stream(&mut stream, &mut listener)?, "the stream has ended");
        }
        let mut client = Client::connect(server)?;
        if let Some(position) = &listener.last_id {
            let body = json!({ "position": position }).to_string();
            let response = client.post(&format!("/api/readers/{name}/ack"), &body)?;
            ensure!(response.status == 200, "an acknowledgement was answered {}", response.status);
        }
        drop(stream);
        let delete = format!("DELETE /api/readers/{name} HTTP/1.1\r\nHost: {server}\r\n\r\n");
        let response = client.exchange(delete.as_bytes())?;
        ensure!(response.status == 200, "the removal of a reader was answered {}", response.status);
        self.listener.events += listener.events;
        Ok(())
    }

    /// A connection that asks for history, asks for a path that does not exist, or breaks off.
    fn socket(&mut self) -> Result<()> {
        let server = self.soak.server();
        let mut stream = connect(server)?;
        let part = match self.rng.below(6) {
            0 => return Ok(()),
            1 => "GET /api/eve",
            2 => "POST /api/push HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n[{\"message\":",
            _ => {
                let mut client = Client::connect(server)?;
                for _ in 0..=self.rng.below(4) {
                    let (path, status) = match self.rng.below(5) {
                        0 => ("/api/events?limit=100".to_owned(), 200),
                        1 => (format!("/api/events?channel={}&limit=20&text=e1", CHANNELS[1]), 200),
                        2 => ("/api/clients".to_owned(), 200),
                        3 => ("/nothing".to_owned(), 404),
                        _ => ("/api/status".to_owned(), 200),
                    };
                    let response = client.get(&path)?;
                    ensure!(response.status == status, "{path} was answered {}", response.status);
                }
                return Ok(());
            }
        };
        stream.write_all(part.as_bytes())?;
        pause(Duration::from_millis(self.rng.below(AWAY_MS_MAX)));
        Ok(())
    }
}

/// Reads once from a stream.
pub(super) fn hear_stream(stream: &mut Stream, listener: &mut Listener) -> Result<bool> {
    let mut wrong = Ok(());
    let is_open = stream.read(|frame| {
        if wrong.is_ok() {
            wrong = hear(frame, listener);
        }
    })?;
    wrong.map(|()| is_open)
}

fn hear(frame: Frame<'_>, listener: &mut Listener) -> Result<()> {
    match frame.event {
        b"caught-up" => Ok(()),
        b"gap" | b"reset" | b"closing" | b"reader-filter" => {
            bail!("{} {}", String::from_utf8_lossy(frame.event), String::from_utf8_lossy(frame.data))
        }
        _ => {
            let number = match frame.data.first() {
                Some(b'{') => serde_json::from_slice(frame.data).ok().and_then(|event| number_of(&event)),
                _ => number_in(frame.data),
            };
            listener.note(str::from_utf8(frame.id)?, number)
        }
    }
}

/// Reads once from a socket.
pub(super) fn hear_socket(socket: &mut WebSocket, listener: &mut Listener) -> Result<bool> {
    let mut wrong = Ok(());
    let is_open = socket.read(|message| {
        if wrong.is_ok() {
            wrong = hear_message(message, listener);
        }
    })?;
    wrong.map(|()| is_open)
}

fn hear_message(message: &[u8], listener: &mut Listener) -> Result<()> {
    let message: Value = serde_json::from_slice(message)?;
    match message["op"].as_str() {
        Some("event") => {
            let event = &message["event"];
            listener.note(event["id"].as_str().context("an event without an id")?, number_of(event))
        }
        Some("subscribed" | "published" | "caught-up") => Ok(()),
        _ => bail!("a socket got {message}"),
    }
}

fn number_of(event: &Value) -> Option<u64> {
    number_in(event["message"].as_str()?.as_bytes())
}
