//! The attacks, each a thread that repeats one thing until the time is over, and counts how often it succeeded.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use serde_json::{Map, Value, json};

use super::attacker::{Answer, Attacker, Got, Kept};
use crate::{pause::pause, report::emit};

/// Messages of the longest kind that a batch can have, in a body that is accepted.
const LONG: usize = 250_000;
/// Pause after something was refused, or between steps that are slow on purpose.
const PAUSE: Duration = Duration::from_millis(100);

type Run = fn(&Attacker) -> Result<()>;

/// Whether an attack succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Succeeds {
    /// Against every server: it takes connections, and a slow server still accepts them and begins to answer.
    Always,
    /// Against a server that answers it in time, and has room for it, beside all the others.
    IfFast,
    /// Never: the server promises to refuse every request of it.
    Never,
}

/// The attacks by name.
const ATTACKS: [(&str, Succeeds, Run); 13] = [
    ("connections that do nothing", Succeeds::Always, idle_connections),
    ("event streams", Succeeds::Always, streams),
    ("filters that differ, and long events", Succeeds::IfFast, filters),
    ("texts to look for", Succeeds::IfFast, texts),
    ("a list of readers that look for text", Succeeds::IfFast, text_readers),
    ("durable readers", Succeeds::IfFast, readers),
    ("sessions that are never used", Succeeds::IfFast, sessions),
    ("answers that are not read", Succeeds::IfFast, unread_answers),
    ("messages that are not finished", Succeeds::IfFast, unfinished_messages),
    ("bodies of one byte at a time", Succeeds::IfFast, slow_bodies),
    ("tiny events", Succeeds::IfFast, tiny_events),
    ("data nested deep", Succeeds::Never, nested),
    ("pages that are not read", Succeeds::Always, unread_pages),
];

/// Returns when the attack `name` succeeds; `None` if no attack has that name.
pub(super) fn succeeds(name: &str) -> Option<Succeeds> {
    ATTACKS.iter().find(|(known, ..)| *known == name).map(|(_, succeeds, _)| *succeeds)
}

/// Runs those at once whose names contain `only`, and writes to standard output how often each succeeded.
pub(super) fn run(server: SocketAddr, length: Duration, only: &str) -> Result<()> {
    let end = Instant::now() + length;
    let wanted = ATTACKS.into_iter().filter(|(name, ..)| name.contains(only));
    let begin = |(name, _, attack): (&'static str, Succeeds, Run)| {
        let attacker = Attacker::new(server, end);
        let run = move || {
            while !attacker.is_over() {
                // The attack begins again if a connection breaks.
                if attack(&attacker).is_err() {
                    pause(PAUSE);
                }
            }
            attacker.succeeded()
        };
        (name, thread::spawn(run))
    };
    let threads: Vec<_> = wanted.map(begin).collect();
    ensure!(!threads.is_empty(), "no attack has `{only}` in its name");
    let mut done = Map::new();
    for (name, thread) in threads {
        let count = thread.join().map_err(|_| anyhow!("the attack with {name} panicked"))?;
        done.insert(name.to_owned(), json!(count));
    }
    emit("attacks", &json!({ "done": Value::Object(done) }))
}

/// Counts a success, and pauses after any other answer.
fn count(attacker: &Attacker, answer: &Answer) {
    match (200..300).contains(&answer.status) {
        true => attacker.succeed(),
        false => pause(PAUSE),
    }
}

/// Keeps the newest `most` connections that `open` creates, until the time is over.
fn hold(attacker: &Attacker, most: usize, got: Got, mut open: impl FnMut(u64) -> Result<TcpStream>) {
    let (mut kept, mut made) = (Kept::new(attacker, most, got), 0);
    while !attacker.is_over() {
        match open(made) {
            Ok(stream) => {
                made += 1;
                if kept.push(stream) {
                    pause(PAUSE);
                }
            }
            Err(_) => pause(PAUSE),
        }
    }
}

fn idle_connections(attacker: &Attacker) -> Result<()> {
    hold(attacker, 4_000, Got::Nothing, |_| attacker.connect());
    Ok(())
}

fn streams(attacker: &Attacker) -> Result<()> {
    hold(attacker, 4_000, Got::Status(200), |_| attacker.send(&attacker.get("/stream?channel=nothing")));
    Ok(())
}

fn filters(attacker: &Attacker) -> Result<()> {
    let mut held = Vec::new();
    for number in 0..200 {
        held.push(attacker.open(&attacker.get(&format!("/stream?type=info&type=t{number}")))?);
    }
    while !attacker.is_over() {
        count(attacker, &attacker.push("filters", "info", 8, LONG)?);
        pause(PAUSE);
    }
    Ok(())
}

fn texts(attacker: &Attacker) -> Result<()> {
    let mut held = Vec::new();
    for number in 0..100 {
        let stream = attacker.open(&attacker.get(&format!("/stream?channel=texts&text=needle{number}")));
        // One caller gets fewer.
        held.extend(stream.ok());
    }
    ensure!(!held.is_empty(), "no text is looked for");
    while !attacker.is_over() {
        count(attacker, &attacker.push("texts", "info", 20, LONG)?);
        pause(10 * PAUSE);
    }
    Ok(())
}

fn text_readers(attacker: &Attacker) -> Result<()> {
    for number in 0..2_000 {
        let path = format!("/api/readers/text-{number}");
        let put = attacker.post(&path, "", r#"{"text":"needle"}"#);
        let put = [b"PUT", &put[b"POST".len()..]].concat();
        count(attacker, &attacker.ask(&put)?);
        if attacker.is_over() {
            break;
        }
    }
    while !attacker.is_over() {
        count(attacker, &attacker.ask(&attacker.get("/api/readers?limit=1000"))?);
        pause(PAUSE);
    }
    Ok(())
}

fn readers(attacker: &Attacker) -> Result<()> {
    while !attacker.is_over() {
        let path = format!("/stream?reader=reader-{}", attacker.succeeded());
        count(attacker, &attacker.ask(&attacker.get(&path))?);
    }
    Ok(())
}

/// Begins a session; returns the header that names it.
fn begin_session(attacker: &Attacker) -> Result<Option<String>> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"hostile","version":"1"}}}"#;
    let answer = attacker.ask(&attacker.post("/mcp", "", body))?;
    let session = answer.header("mcp-session-id").map(|id| format!("Mcp-Session-Id: {id}\r\n"));
    if session.is_none() {
        pause(PAUSE);
    }
    Ok(session)
}

fn sessions(attacker: &Attacker) -> Result<()> {
    while !attacker.is_over() {
        if begin_session(attacker)?.is_some() {
            attacker.succeed();
        }
    }
    Ok(())
}

fn unread_answers(attacker: &Attacker) -> Result<()> {
    let mut kept = Kept::new(attacker, 15 * 128, Got::Status(200));
    while !attacker.is_over() {
        let Some(session) = begin_session(attacker)? else { continue };
        for id in 2..130 {
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"read_history","arguments":{{"channels":["filters"],"limit":100,"format":"detailed"}}}}}}"#
            );
            kept.push(attacker.send(&attacker.post("/mcp", &session, &body))?);
        }
    }
    Ok(())
}

/// Opens a WebSocket and sends most of a message.
fn unfinished(attacker: &Attacker, path: &str, len: usize) -> Result<TcpStream> {
    let mut stream = attacker.send(
        format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: mcp\r\n\r\n",
            attacker.server
        )
        .as_bytes(),
    )?;
    // A text frame, masked with zeros, that does not end its message (RFC 6455, section 5.2).
    let mut frame = vec![0x01, 0x80 | 127];
    frame.extend_from_slice(&(len as u64).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.resize(frame.len() + len, b'x');
    stream.write_all(&frame)?;
    Ok(stream)
}

fn unfinished_messages(attacker: &Attacker) -> Result<()> {
    hold(attacker, 100, Got::Status(101), |made| match made % 2 {
        0 => unfinished(attacker, "/mcp", 4_000_000),
        _ => unfinished(attacker, "/ws", 1_000_000),
    });
    Ok(())
}

fn slow_bodies(attacker: &Attacker) -> Result<()> {
    let head = format!(
        "POST /api/push/slow HTTP/1.1\r\nHost: {}\r\nContent-Length: 16000000\r\n\r\n",
        attacker.server
    );
    let mut kept = Kept::new(attacker, 256, Got::Nothing);
    while !attacker.is_over() {
        while kept.len() < 256 {
            kept.push(attacker.send(head.as_bytes())?);
        }
        kept.retain(|stream| stream.write_all(b"x").is_ok());
        pause(PAUSE);
    }
    Ok(())
}

fn tiny_events(attacker: &Attacker) -> Result<()> {
    while !attacker.is_over() {
        count(attacker, &attacker.push("tiny", "info", 10_000, 1)?);
        pause(10 * PAUSE);
    }
    Ok(())
}

fn nested(attacker: &Attacker) -> Result<()> {
    const LEVELS: usize = 130_000;
    let body = format!(r#"{{"message":"x","data":{}{}}}"#, "[".repeat(LEVELS), "]".repeat(LEVELS));
    count(attacker, &attacker.ask(&attacker.post("/api/push", "", &body))?);
    Ok(())
}

fn unread_pages(attacker: &Attacker) -> Result<()> {
    hold(attacker, 1_000, Got::Status(200), |_| {
        attacker.send(&attacker.get("/api/events?channel=filters&limit=100"))
    });
    Ok(())
}
