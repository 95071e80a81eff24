//! Asynchronous stdin and stdout. MCP clients pass pipes or sockets, which need no extra thread.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::{FileType, OFlags};
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;

/// Size of a read.
const CHUNK_LEN: usize = 64 * 1024;

pub(crate) type Input = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Opens stdin.
pub(crate) fn input() -> io::Result<Input> {
    let stdin = io::stdin();
    match kind(stdin.as_fd())? {
        FileType::Fifo => {
            // Reopening the pipe makes it non-blocking for us, but not for the processes that share it.
            let pipe = OpenOptions::new().read(true).custom_flags(nonblock()).open("/proc/self/fd/0");
            if let Ok(pipe) = pipe.and_then(pipe::Receiver::from_file) {
                return Ok(Box::new(pipe));
            }
        }
        FileType::Socket => return Ok(Box::new(Socket::new(stdin.as_fd())?)),
        _ => {}
    }
    Ok(Box::new(tokio::fs::File::from_std(File::from(stdin.as_fd().try_clone_to_owned()?))))
}

/// Opens stdout. Nothing else may write to it.
pub(crate) fn output() -> io::Result<Output> {
    let stdout = io::stdout();
    match kind(stdout.as_fd())? {
        FileType::Fifo => {
            let pipe = OpenOptions::new().write(true).custom_flags(nonblock()).open("/proc/self/fd/1");
            if let Ok(pipe) = pipe.and_then(pipe::Sender::from_file) {
                return Ok(Box::new(pipe));
            }
        }
        FileType::Socket => return Ok(Box::new(Socket::new(stdout.as_fd())?)),
        _ => {}
    }
    Ok(Box::new(tokio::fs::File::from_std(File::from(stdout.as_fd().try_clone_to_owned()?))))
}

fn kind(fd: BorrowedFd<'_>) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
}

fn nonblock() -> i32 {
    OFlags::NONBLOCK.bits().cast_signed()
}

/// A socket that other processes may share. Its flags stay unchanged; instead, each call is non-blocking.
struct Socket {
    socket: AsyncFd<OwnedFd>,
    /// Buffer for a read.
    chunk: Box<[u8]>,
}

impl Socket {
    fn new(fd: BorrowedFd<'_>) -> io::Result<Socket> {
        #[expect(
            deprecated,
            reason = "it owns the descriptor, which therefore stays open while it is polled"
        )]
        let socket = AsyncFd::new(fd.try_clone_to_owned()?)?;
        Ok(Socket { socket, chunk: vec![0; CHUNK_LEN].into() })
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Socket { socket, chunk } = self.get_mut();
        loop {
            let mut guard = ready!(socket.poll_read_ready(cx))?;
            let wanted = chunk.len().min(buffer.remaining());
            match rustix::net::recv(socket.as_fd(), &mut chunk[..wanted], RecvFlags::DONTWAIT) {
                Ok((len, _)) => {
                    if 0 < len && len < wanted {
                        // Everything is read. The next wake-up announces more.
                        guard.clear_ready();
                    }
                    buffer.put_slice(&chunk[..len]);
                    return Poll::Ready(Ok(()));
                }
                Err(rustix::io::Errno::AGAIN) => guard.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.socket.poll_write_ready(cx))?;
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match rustix::net::send(self.socket.as_fd(), bytes, flags) {
                Ok(len) => return Poll::Ready(Ok(len)),
                Err(rustix::io::Errno::AGAIN) => guard.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
