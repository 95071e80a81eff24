//! A WebSocket that counts what its client has sent of a message that is not complete.
//!
//! The framing library collects a message until its last frame has come, where nobody can see it. So bytes are counted
//! as they are read from the socket, and given back when a message is complete.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::access::Sent;
use crate::net::frames::READ_LEN_MAX;
use fanfare_runtime::budget::{BytesHeld, Exhausted};

/// Bytes that are not worth counting: an idle socket has none, and a short message comes in one piece.
const FREE: usize = 16 * 1024;
/// The library keeps the frame that it reads, and the frames before it in a buffer that grows by doubling.
const COPIES: usize = 2;
/// A stream whose unfinished messages are counted.
#[derive(Debug)]
pub struct Metered<S> {
    stream: S,
    sent: Sent,
    meter: Meter,
}

/// The count of one stream; cheap to clone.
#[derive(Debug, Clone)]
pub struct Meter(Arc<Mutex<Count>>);

#[derive(Debug)]
struct Count {
    /// Bytes that were read and belong to no complete message.
    unfinished: usize,
    held: BytesHeld,
    /// Whether bytes were refused. From then on, input is read and discarded, so that the client can read the
    /// reason.
    is_refused: bool,
}

impl<S> Metered<S> {
    /// Counts the bytes read from `stream` in `held`, including the first `read` bytes, which were read before,
    /// and the bytes written in `sent`.
    pub fn new(stream: S, read: usize, held: BytesHeld, sent: Sent) -> Metered<S> {
        let count = Count { unfinished: read, held, is_refused: false };
        Metered { stream, sent, meter: Meter(Arc::new(Mutex::new(count))) }
    }

    /// Returns the count.
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }
}

impl Meter {
    /// Records that a message of `len` bytes is complete.
    pub fn finish(&self, len: usize) {
        let mut count = self.count();
        // The headers of frames are not part of the message; what they add does not pile up.
        count.unfinished = count.unfinished.saturating_sub(len).min(READ_LEN_MAX);
        let more_than_wanted = count.held.len().saturating_sub(count.wanted());
        count.held.give_back(more_than_wanted);
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    /// Returns the number of bytes that count.
    fn wanted(&self) -> usize {
        self.unfinished.saturating_sub(FREE) * COPIES
    }

    /// Counts `len` bytes that were read.
    fn read(&mut self, len: usize) -> Result<(), Exhausted> {
        self.unfinished += len;
        match self.wanted().saturating_sub(self.held.len()) {
            0 => Ok(()),
            more => self.held.add(more).inspect_err(|_| self.is_refused = true),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let mut count = self.meter.count();
        if count.is_refused {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(count.read(buf.filled().len() - before).map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(len)) = poll {
            self.sent.add(len);
        }
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
