//! A WebSocket that counts what its client has sent of a message that is not complete.
//!
//! The framing library collects a message until its last frame has come, where nobody can see it. So bytes are counted
//! as they are read from the socket, and given back when a message is complete.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use fanfare_runtime::budget::{BytesHeld, Exhausted};

/// Bytes that are not worth counting: an idle socket has none, and a short message comes in one piece.
const FREE: usize = 16 * 1024;
/// The library keeps the frame that it reads, and the frames before it in a buffer that grows by doubling.
const COPIES: usize = 2;
/// Maximum bytes after a message that the library may have read with it: the size of its reads.
const READ_LEN_MAX: usize = 128 * 1024;

/// A stream whose unfinished messages are counted.
#[derive(Debug)]
pub struct Metered<S> {
    stream: S,
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
}

impl<S> Metered<S> {
    /// Counts what is read from `stream` in `held`; `read` bytes were already.
    pub fn new(stream: S, read: usize, held: BytesHeld) -> Metered<S> {
        Metered { stream, meter: Meter(Arc::new(Mutex::new(Count { unfinished: read, held }))) }
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
        let unfinished = count.unfinished.saturating_sub(len).min(READ_LEN_MAX);
        count.set(unfinished).expect("a count that falls is never refused");
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    fn set(&mut self, unfinished: usize) -> Result<(), Exhausted> {
        self.unfinished = unfinished;
        let wanted = unfinished.saturating_sub(FREE) * COPIES;
        match wanted.checked_sub(self.held.len()) {
            Some(0) => Ok(()),
            Some(more) => self.held.add(more),
            None => {
                self.held.give_back(self.held.len() - wanted);
                Ok(())
            }
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
        let unfinished = count.unfinished + buf.filled().len() - before;
        Poll::Ready(count.set(unfinished).map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
