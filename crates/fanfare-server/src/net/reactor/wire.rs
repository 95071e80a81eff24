//! The socket of an event stream, TCP or Unix: the reactor only reads and writes.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};
use socket2::SockRef;

/// Bytes that a socket may buffer at a stop: the rest of the largest event, and the last notice.
const LAST_WORDS_LEN: usize = 1024 * 1024;

/// A connected socket, nonblocking.
#[derive(Debug)]
pub struct Wire(OwnedFd);

impl Wire {
    /// Wraps a socket that is not registered with a runtime.
    pub fn new(socket: OwnedFd) -> Wire {
        Wire(socket)
    }

    /// Lets the socket buffer more than while it is in use.
    pub fn make_room(&self) {
        let socket = SockRef::from(&self.0);
        // The kernel may allow less. If this fails, the stream is cut off without a notice.
        if socket.send_buffer_size().is_ok_and(|len| len < LAST_WORDS_LEN) {
            let _ = socket.set_send_buffer_size(LAST_WORDS_LEN);
        }
        let _ = socket.set_tcp_notsent_lowat(u32::MAX);
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (len, _) = rustix::net::recv(&self.0, buf, RecvFlags::empty())?;
        Ok(len)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(&self.0, buf, SendFlags::NOSIGNAL)?)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut nothing = SendAncillaryBuffer::default();
        Ok(rustix::net::sendmsg(&self.0, bufs, &mut nothing, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Wire {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).deregister(registry)
    }
}
