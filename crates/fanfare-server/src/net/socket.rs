//! Sockets that clients connect to: TCP and Unix. The code above does not see the difference.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fanfare_core::Peer;
use fanfare_core::peer::Credentials;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::net::limits::NOT_SENT_LEN_MAX;

/// A socket that accepts connections.
#[derive(Debug)]
pub enum Listener {
    /// At an IP address.
    Tcp(TcpListener),
    /// At a path.
    Unix(UnixListener),
}

/// A connection that was accepted.
#[derive(Debug)]
pub enum Socket {
    /// Over the network.
    Tcp(TcpStream),
    /// Within this machine.
    Unix(UnixStream),
}

impl Listener {
    /// Waits for the next connection. Cancelling loses no connection.
    pub async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Socket::Tcp(stream), Peer::Network(address)))
            }
            Listener::Unix(listener) => Socket::unix(listener.accept().await?.0),
        }
    }

    /// Closes the socket, and returns the connections that were waiting in its queue, at most `count_max`. One that fails
    /// is left out.
    pub fn into_queued(self, count_max: usize) -> io::Result<Vec<(Socket, Peer)>> {
        match self {
            Listener::Tcp(listener) => {
                let listener = listener.into_std()?;
                Ok(queued(count_max, || {
                    let (stream, address) = listener.accept()?;
                    Ok(move || {
                        stream.set_nonblocking(true)?;
                        Ok((Socket::Tcp(TcpStream::from_std(stream)?), Peer::Network(address)))
                    })
                }))
            }
            Listener::Unix(listener) => {
                let listener = listener.into_std()?;
                Ok(queued(count_max, || {
                    let (stream, _) = listener.accept()?;
                    Ok(move || {
                        stream.set_nonblocking(true)?;
                        Socket::unix(UnixStream::from_std(stream)?)
                    })
                }))
            }
        }
    }

    /// Returns another descriptor of the same socket.
    pub fn duplicate(&self) -> io::Result<OwnedFd> {
        match self {
            Listener::Tcp(listener) => listener.as_fd().try_clone_to_owned(),
            Listener::Unix(listener) => listener.as_fd().try_clone_to_owned(),
        }
    }
}

/// Takes connections from a queue until it is empty, or cannot be read any further.
fn queued<F: FnOnce() -> io::Result<(Socket, Peer)>>(
    count_max: usize,
    mut accept: impl FnMut() -> io::Result<F>,
) -> Vec<(Socket, Peer)> {
    let mut taken = Vec::new();
    for _ in 0..count_max {
        match accept().map(|connection| connection()) {
            Ok(Ok(connection)) => taken.push(connection),
            Ok(Err(error)) => tracing::debug!(%error, "a queued connection failed"),
            // Its client has gone, and the next one may be there.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => break,
        }
    }
    taken
}

impl Socket {
    fn unix(stream: UnixStream) -> io::Result<(Socket, Peer)> {
        let found = stream.peer_cred()?;
        let pid = found.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
        let credentials = Credentials { uid: found.uid(), gid: found.gid(), pid };
        Ok((Socket::Unix(stream), Peer::Unix(credentials)))
    }

    /// Makes the kernel send each write at once, and give up on a client that accepts nothing for `patience`. A
    /// Unix socket does not need this: its other end cannot vanish unnoticed.
    pub fn prepare(&self, patience: Duration) -> io::Result<()> {
        let Socket::Tcp(stream) = self else { return Ok(()) };
        // A frame must not wait until the previous one is acknowledged.
        stream.set_nodelay(true)?;
        SockRef::from(stream).set_tcp_user_timeout(Some(patience))
    }

    /// Limits what waits in the socket: the backlog of a slow subscriber stays in the shared ring.
    pub fn limit_unsent(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => SockRef::from(stream).set_tcp_notsent_lowat(NOT_SENT_LEN_MAX),
            Socket::Unix(_) => Ok(()),
        }
    }

    /// Reads the first bytes without removing them from the socket.
    pub async fn peek(&self, first: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.peek(first).await,
            Socket::Unix(stream) => {
                let peek = || {
                    let flags = rustix::net::RecvFlags::PEEK;
                    let (len, _) = rustix::net::recv(stream, &mut *first, flags)?;
                    Ok(len)
                };
                stream.async_io(Interest::READABLE, peek).await
            }
        }
    }

    /// Resolves once the other end has closed its side or is gone. Unread bytes hide the end.
    pub fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let peek = || {
            let (len, _) = rustix::net::recv(self, &mut [0; 1], rustix::net::RecvFlags::PEEK)?;
            Ok::<_, io::Error>(len)
        };
        loop {
            let (ready, peeked) = match self {
                Socket::Tcp(stream) => (stream.poll_read_ready(cx), stream.try_io(Interest::READABLE, peek)),
                Socket::Unix(stream) => (stream.poll_read_ready(cx), stream.try_io(Interest::READABLE, peek)),
            };
            match (ready, peeked) {
                (Poll::Pending, _) | (_, Ok(1..)) => return Poll::Pending,
                (Poll::Ready(Ok(())), Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                (Poll::Ready(_), Ok(0) | Err(_)) => return Poll::Ready(()),
            }
        }
    }

    /// Takes the socket out of the runtime.
    pub fn into_descriptor(self) -> io::Result<OwnedFd> {
        match self {
            Socket::Tcp(stream) => stream.into_std().map(OwnedFd::from),
            Socket::Unix(stream) => stream.into_std().map(OwnedFd::from),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Unix(stream) => stream.as_fd(),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Socket::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }
}
