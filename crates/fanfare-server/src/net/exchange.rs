//! The state that the task of an HTTP/1 connection shares with its requests and its socket.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;

use crate::net::access::Record;
use crate::net::socket::Socket;
use crate::net::streams::{StreamPermit, Streams};
use crate::net::takeover::{Follows, Outlet};

/// Time in which a request that waits is answered if what it waits for is there already: to read a page seldom takes
/// longer.
const ANSWER_TIME: Duration = Duration::from_secs(1);

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
    /// The socket, until the connection has ended; the server reads and writes it as a [`Wire`].
    socket: Mutex<Option<TokioIo<Socket>>>,
}

impl Exchange {
    pub(super) fn of(socket: Socket) -> Exchange {
        Exchange { socket: Mutex::new(Some(TokioIo::new(socket))), ..Exchange::default() }
    }

    fn socket(&self) -> MutexGuard<'_, Option<TokioIo<Socket>>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes and returns the socket of a connection that has ended.
    pub(super) fn take_socket(&self) -> Socket {
        self.socket().take().expect("a connection ends once").into_inner()
    }

    /// Resolves once the client of a request that only waits has closed its side, and a moment has passed in which nothing
    /// was written: the client may be gone, but what it waits for may also be there already. A pipelined request hides
    /// the end.
    pub(super) async fn client_left(&self, streams: &Streams) {
        loop {
            std::future::poll_fn(|cx| match &*self.socket() {
                Some(socket) if streams.is_waiting() => socket.inner().poll_closed(cx),
                _ => Poll::Pending,
            })
            .await;
            let written = self.written.load(Ordering::Relaxed);
            tokio::time::sleep(ANSWER_TIME).await;
            if self.written.load(Ordering::Relaxed) == written {
                return;
            }
        }
    }

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

/// The socket of an exchange, as the server uses it. It records how much the socket accepted.
pub(super) struct Wire(pub(super) Arc<Exchange>);

impl Wire {
    /// Polls the socket. It is there for as long as the server has the wire.
    fn poll<T>(
        &self,
        poll: impl FnOnce(Pin<&mut TokioIo<Socket>>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match self.0.socket().as_mut() {
            Some(socket) => poll(Pin::new(socket)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn note(&self, poll: &Poll<io::Result<usize>>) {
        self.0.blocked.store(poll.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(len)) = poll {
            self.0.written.fetch_add(*len as u64, Ordering::Relaxed);
        }
    }
}

impl Read for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.poll(|socket| socket.poll_read(cx, buf))
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = self.poll(|socket| socket.poll_write(cx, buf));
        self.note(&poll);
        poll
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|socket| socket.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|socket| socket.poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = self.poll(|socket| socket.poll_write_vectored(cx, bufs));
        self.note(&poll);
        poll
    }
}
