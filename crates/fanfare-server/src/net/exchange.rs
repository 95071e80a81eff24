//! The state that the task of an HTTP/1 connection shares with its requests and its socket.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;

use crate::net::access::Record;
use crate::net::socket::Socket;
use crate::net::streams::StreamPermit;
use crate::net::takeover::{Follows, Outlet};

/// The shared state of a connection.
#[derive(Default)]
pub(super) struct Exchange {
    /// The outlet that the current request asked for.
    handover: Mutex<Option<Handover>>,
    /// Whether there was a request: the server itself notes only from the second one on that no request is there.
    pub(super) begun: AtomicBool,
    /// Whether the socket did not accept the whole last write.
    blocked: AtomicBool,
    /// The bytes written so far.
    pub(super) written: AtomicU64,
}

impl Exchange {
    pub(super) fn handover(&self) -> MutexGuard<'_, Option<Handover>> {
        self.handover.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }
}

/// An outlet that a route asked for, with the response head that precedes it.
pub(super) struct Handover {
    pub(super) head: Vec<u8>,
    pub(super) follows: Follows,
    pub(super) outlet: Outlet,
    pub(super) permit: Arc<StreamPermit>,
    /// The record of the request, if requests are logged.
    pub(super) record: Option<Record>,
}

/// A socket that records how much it accepted.
pub(super) struct Wire {
    pub(super) stream: TokioIo<Socket>,
    pub(super) exchange: Arc<Exchange>,
}

impl Wire {
    fn note(&self, poll: &Poll<io::Result<usize>>) {
        self.exchange.blocked.store(poll.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(len)) = poll {
            self.exchange.written.fetch_add(*len as u64, Ordering::Relaxed);
        }
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(&poll);
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note(&poll);
        poll
    }
}
