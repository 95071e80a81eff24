//! The behaviour of a receiver, in every wrong way possible.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The behaviour of the receiver for a request.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// Answers with a status, header lines (each with its end) and a body.
    Answer(u16, String, String),
    /// Writes these bytes, and hangs up.
    Bytes(Vec<u8>),
    /// Writes these bytes when the head of the request is there, and reads nothing of its body, ever.
    Early(Vec<u8>),
    /// Writes these bytes again and again, until the other end has enough.
    Endless(Vec<u8>, Vec<u8>),
    /// Answers every n-th request with this status, the others with 200.
    Every(usize, u16),
    /// Writes these bytes, closes its side, and keeps reading.
    HalfClosed(Vec<u8>),
    /// Never answers.
    Hang,
    /// Answers with 200 when [`Receiver::release`](super::Receiver::release) is called.
    Held,
    /// As [`Script::Held`], with this status.
    HeldWith(u16),
    /// Hangs up so that the other end sees a reset.
    Reset,
    /// Writes these bytes and then nothing more.
    Stall(Vec<u8>),
    /// Writes these bytes, and then one byte after the other, slowly, for ever.
    Trickle(Vec<u8>),
}

impl Script {
    pub(crate) fn status(status: u16) -> Script {
        Script::Answer(status, String::new(), String::new())
    }

    pub(crate) fn with(status: u16, headers: &str) -> Script {
        Script::Answer(status, headers.to_owned(), String::new())
    }

    /// Returns the script for the request with this number, starting at 1.
    pub(super) fn at(self, number: usize) -> Script {
        match self {
            Script::Every(nth, status) => {
                Script::status(if number.is_multiple_of(nth) { status } else { 200 })
            }
            other => other,
        }
    }

    /// Returns the status of the response, if it is complete.
    pub(super) fn answers(&self) -> Option<u16> {
        match self {
            Script::Answer(status, ..) | Script::HeldWith(status) => Some(*status),
            Script::Held => Some(200),
            _ => None,
        }
    }
}

/// Plays the script; returns whether the connection stays open. `written` counts the bytes of an endless response that
/// were read; `done` is dropped right before the response.
pub(super) async fn play<B>(
    stream: &mut TcpStream,
    script: Script,
    written: &watch::Sender<Option<usize>>,
    done: B,
) -> bool {
    match script {
        Script::Answer(status, headers, body) => {
            let len = body.len();
            let text = format!("HTTP/1.1 {status} It\r\n{headers}content-length: {len}\r\n\r\n{body}");
            // A client with the response can send the next request at once.
            drop(done);
            stream.write_all(text.as_bytes()).await.is_ok()
        }
        Script::Every(..) => unreachable!("it is one or the other by now"),
        Script::Held => held(stream, 200, done).await,
        Script::HeldWith(status) => held(stream, status, done).await,
        Script::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            false
        }
        Script::Early(bytes) => {
            let _ = stream.write_all(&bytes).await;
            std::future::pending().await
        }
        Script::Endless(head, again) => {
            let mut taken = 0;
            let mut next = stream.write_all(&head).await;
            while next.is_ok() {
                next = stream.write_all(&again).await;
                taken += again.len();
            }
            written.send_replace(Some(taken));
            false
        }
        Script::HalfClosed(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            wait_for_end(stream).await;
            false
        }
        Script::Hang => {
            wait_for_end(stream).await;
            false
        }
        Script::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            wait_for_end(stream).await;
            false
        }
        Script::Trickle(head) => {
            let mut pauses = tokio::time::interval(Duration::from_millis(10));
            let mut next = stream.write_all(&head).await;
            while next.is_ok() {
                pauses.tick().await;
                next = stream.write_all(b"x").await;
            }
            false
        }
        Script::Reset => {
            // A socket that is closed with a linger of zero is reset.
            let _ = stream.set_zero_linger();
            false
        }
    }
}

async fn held<B>(stream: &mut TcpStream, status: u16, done: B) -> bool {
    drop(done);
    let text = format!("HTTP/1.1 {status} It\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(text.as_bytes()).await.is_ok()
}

async fn wait_for_end(stream: &mut TcpStream) {
    let mut rest = [0; 1_024];
    while stream.read(&mut rest).await.is_ok_and(|len| len > 0) {}
}
