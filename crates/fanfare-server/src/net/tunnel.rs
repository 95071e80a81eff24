//! The bytes of a conversation that is not HTTP: those of a socket, or those of one stream of an HTTP/2 connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::limits::KEPT_LEN_MAX;
use crate::net::socket::Socket;

/// What carries a conversation.
#[derive(Debug)]
pub enum Tunnel {
    /// A socket that has left HTTP/1.1.
    Socket(Socket),
    /// A stream of an HTTP/2 connection.
    Stream(TokioIo<Upgraded>),
}

impl AsyncRead for Tunnel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Tunnel::Socket(socket) => Pin::new(socket).poll_read(cx, buf),
            Tunnel::Stream(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Tunnel::Socket(socket) => Pin::new(socket).poll_write(cx, buf),
            // The stream copies what it is given, and keeps a few such copies for a client that does not read.
            Tunnel::Stream(stream) => Pin::new(stream).poll_write(cx, &buf[..buf.len().min(KEPT_LEN_MAX)]),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Tunnel::Socket(socket) => Pin::new(socket).poll_flush(cx),
            Tunnel::Stream(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Tunnel::Socket(socket) => Pin::new(socket).poll_shutdown(cx),
            Tunnel::Stream(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
