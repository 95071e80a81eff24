//! The attacks, each a thread that repeats one thing until the time is over. None of them expects to be served;
//! each counts how often it was.

use std::{
    collections::VecDeque,
    io::Write,
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use serde_json::{Map, Value, json};

use super::attacker::{Answer, Attacker};
use crate::{pause::pause, report::emit};

/// Messages of the longest kind that a batch can have, in a body that is accepted.
const LONG: usize = 250_000;
/// Pause after something was refused, or between steps that are slow on purpose.
const PAUSE: Duration = Duration::from_millis(100);

type Run = fn(&Attacker) -> Result<u64>;

/// The attacks by name.
const ATTACKS: [(&str, Run); 13] = [
    ("connections that do nothing", idle_connections),
    ("event streams", streams),
    ("filters that differ, and long events", filters),
    ("texts to look for", texts),
    ("a list of readers that look for text", text_readers),
    ("durable readers", readers),
    ("sessions that are never used", sessions),
    ("answers that are not read", unread_answers),
    ("messages that are not finished", unfinished_messages),
    ("bodies of one byte at a time", slow_bodies),
    ("tiny events", tiny_events),
    ("data nested deep", nested),
    ("pages that are not read", unread_pages),
];

/// Runs all attacks at once, and writes to standard output what each achieved.
pub(super) fn run(server: SocketAddr, length: Duration, only: &str) -> Result<()> {
    let attacker = Attacker { server, end: Instant::now() + length };
    let wanted = ATTACKS.into_iter().filter(|(name, _)| name.contains(only));
    let begin = |(name, attack): (&'static str, Run)| {
        let run = move || {
            let mut done = 0;
            while !attacker.is_over() {
                // The attack continues after a broken connection.
                done += attack(&attacker).unwrap_or_else(|_| {
                    pause(PAUSE);
                    0
                });
            }
            done
        };
        (name, thread::spawn(run))
    };
    let threads: Vec<_> = wanted.map(begin).collect();
    let mut done = Map::new();
    for (name, thread) in threads {
        let count = thread.join().map_err(|_| anyhow!("the attack with {name} panicked"))?;
        done.insert(name.to_owned(), json!(count));
    }
    emit("attacks", &json!({ "done": Value::Object(done) }))
}

/// Counts a successful answer, and pauses after any other.
fn count(answer: &Answer) -> u64 {
    if (200..300).contains(&answer.status) {
        return 1;
    }
    pause(PAUSE);
    0
}

/// Keeps the newest `most` connections that `open` creates, until the time is over; returns how many it
/// created.
fn hold(attacker: &Attacker, most: usize, mut open: impl FnMut(u64) -> Result<TcpStream>) -> Result<u64> {
    let (mut held, mut made) = (VecDeque::with_capacity(most), 0);
    while !attacker.is_over() {
        match open(made) {
            Ok(stream) => {
                made += 1;
                held.push_back(stream);
            }
            Err(_) => pause(PAUSE),
        }
        if held.len() > most {
            held.pop_front();
            pause(PAUSE);
        }
    }
    Ok(made)
}

fn idle_connections(attacker: &Attacker) -> Result<u64> {
    hold(attacker, 4_000, |_| attacker.connect())
}

fn streams(attacker: &Attacker) -> Result<u64> {
    hold(attacker, 4_000, |_| attacker.send(&attacker.get("/stream?channel=nothing")))
}

fn filters(attacker: &Attacker) -> Result<u64> {
    let mut held = Vec::new();
    for number in 0..200 {
        held.push(attacker.send(&attacker.get(&format!("/stream?type=info&type=t{number}")))?);
    }
    let mut pushed = 0;
    while !attacker.is_over() {
        pushed += count(&attacker.push("filters", "info", 8, LONG)?);
        pause(PAUSE);
    }
    Ok(pushed)
}

fn texts(attacker: &Attacker) -> Result<u64> {
    let mut held = Vec::new();
    for number in 0..100 {
        held.push(attacker.send(&attacker.get(&format!("/stream?channel=texts&text=needle{number}")))?);
    }
    let mut pushed = 0;
    while !attacker.is_over() {
        pushed += count(&attacker.push("texts", "info", 20, LONG)?);
        pause(10 * PAUSE);
    }
    Ok(pushed)
}

fn text_readers(attacker: &Attacker) -> Result<u64> {
    for number in 0..2_000 {
        let path = format!("/api/readers/text-{number}");
        let put = attacker.post(&path, "", r#"{"text":"needle"}"#);
        let put = [b"PUT", &put[b"POST".len()..]].concat();
        attacker.ask(&put)?;
        if attacker.is_over() {
            break;
        }
    }
    let mut listed = 0;
    while !attacker.is_over() {
        listed += count(&attacker.ask(&attacker.get("/api/readers?limit=1000"))?);
        pause(PAUSE);
    }
    Ok(listed)
}

fn readers(attacker: &Attacker) -> Result<u64> {
    let mut made = 0;
    while !attacker.is_over() {
        made += count(&attacker.ask(&attacker.get(&format!("/stream?reader=reader-{made}")))?);
    }
    Ok(made)
}

/// Begins a session; returns the header that names it.
fn begin_session(attacker: &Attacker) -> Result<Option<String>> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"hostile","version":"1"}}}"#;
    let answer = attacker.ask(&attacker.post("/mcp", "", body))?;
    let session = answer.header("mcp-session-id").map(|id| format!("Mcp-Session-Id: {id}\r\n"));
    count(&answer);
    Ok(session)
}

fn sessions(attacker: &Attacker) -> Result<u64> {
    let mut begun = 0;
    while !attacker.is_over() {
        begun += u64::from(begin_session(attacker)?.is_some());
    }
    Ok(begun)
}

fn unread_answers(attacker: &Attacker) -> Result<u64> {
    let mut sent = 0;
    let mut held = VecDeque::new();
    while !attacker.is_over() {
        let Some(session) = begin_session(attacker)? else { continue };
        for id in 2..130 {
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"read_history","arguments":{{"channels":["filters"],"limit":100,"format":"detailed"}}}}}}"#
            );
            held.push_back(attacker.send(&attacker.post("/mcp", &session, &body))?);
            sent += 1;
        }
        while held.len() > 15 * 128 {
            held.pop_front();
        }
    }
    Ok(sent)
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

fn unfinished_messages(attacker: &Attacker) -> Result<u64> {
    hold(attacker, 100, |made| match made % 2 {
        0 => unfinished(attacker, "/mcp", 4_000_000),
        _ => unfinished(attacker, "/ws", 1_000_000),
    })
}

fn slow_bodies(attacker: &Attacker) -> Result<u64> {
    let head = format!(
        "POST /api/push/slow HTTP/1.1\r\nHost: {}\r\nContent-Length: 16000000\r\n\r\n",
        attacker.server
    );
    let mut open: Vec<TcpStream> = Vec::new();
    let mut begun = 0;
    while !attacker.is_over() {
        while open.len() < 256 {
            open.push(attacker.send(head.as_bytes())?);
            begun += 1;
        }
        open.retain_mut(|stream| stream.write_all(b"x").is_ok());
        pause(PAUSE);
    }
    Ok(begun)
}

fn tiny_events(attacker: &Attacker) -> Result<u64> {
    let mut pushed = 0;
    while !attacker.is_over() {
        pushed += count(&attacker.push("tiny", "info", 10_000, 1)?);
        pause(10 * PAUSE);
    }
    Ok(pushed)
}

fn nested(attacker: &Attacker) -> Result<u64> {
    const LEVELS: usize = 130_000;
    let body = format!(r#"{{"message":"x","data":{}{}}}"#, "[".repeat(LEVELS), "]".repeat(LEVELS));
    let pushed = count(&attacker.ask(&attacker.post("/api/push", "", &body))?);
    pause(PAUSE);
    Ok(pushed)
}

fn unread_pages(attacker: &Attacker) -> Result<u64> {
    hold(attacker, 1_000, |_| attacker.send(&attacker.get("/api/events?channel=filters&limit=100")))
}
