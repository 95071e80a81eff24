//! HTTP/1 as bytes on a socket: for requests and responses that no client library lets one send or see.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::soon;

/// A connection that speaks HTTP/1.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    /// Bytes that were read and not used yet.
    buffer: Vec<u8>,
    chunked: bool,
    ended: bool,
    /// The last chunk came.
    whole: bool,
}

/// The head of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Names in lowercase.
    headers: Vec<(String, String)>,
}

impl Head {
    /// Returns a header, or an empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value)
    }

    /// Returns whether a header has this value: it can come several times.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.headers.iter().any(|(header, held)| header == name && held == value)
    }
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Raw {
        Raw::over(soon("a connection", TcpStream::connect(address)).await.expect("a connection"))
    }

    /// Connects with a receive buffer so small that a client that does not read is soon noticed.
    pub(crate) async fn connect_narrow(address: SocketAddr) -> Raw {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        Raw::over(soon("a connection", socket.connect(address)).await.expect("a connection"))
    }

    pub(crate) fn over(stream: TcpStream) -> Raw {
        Raw { stream, buffer: Vec::new(), chunked: false, ended: false, whole: false }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon("a write", self.stream.write_all(bytes.as_ref())).await.expect("a write");
    }

    /// Sends a GET with these header lines besides `Host`.
    pub(crate) async fn get(&mut self, path: &str, headers: &str) -> Head {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n")).await;
        self.head().await
    }

    /// Reads a head; the bytes after it are a body for [`Raw::chunk`].
    pub(crate) async fn head(&mut self) -> Head {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            assert!(
                self.fill().await,
                "the connection ended in a head: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        let text = String::from_utf8(head).expect("a head in ASCII");
        let mut lines = text.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").expect("a header"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let head = Head { status: status.parse().expect("a status"), headers };
        self.chunked = head.header("transfer-encoding") == "chunked";
        head
    }

    /// Returns the next bytes of a body that is chunked or ends with the connection; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        if !self.chunked {
            if self.buffer.is_empty() && !self.fill().await {
                self.ended = true;
                return None;
            }
            return Some(std::mem::take(&mut self.buffer));
        }
        let line_end = loop {
            match find(&self.buffer, b"\r\n") {
                Some(end) => break end,
                None if !self.fill().await => {
                    // A body that ends before its last chunk was cut off.
                    self.ended = true;
                    return None;
                }
                None => {}
            }
        };
        let size = std::str::from_utf8(&self.buffer[..line_end]).expect("a chunk size");
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        while self.buffer.len() < line_end + 2 + size + 2 {
            if !self.fill().await {
                self.ended = true;
                return None;
            }
        }
        let chunk = self.buffer[line_end + 2..line_end + 2 + size].to_vec();
        assert_eq!(&self.buffer[line_end + 2 + size..line_end + 4 + size], b"\r\n", "the end of a chunk");
        self.buffer.drain(..line_end + 4 + size);
        (self.ended, self.whole) = (size == 0, size == 0);
        (!self.ended).then_some(chunk)
    }

    /// Returns whether a body that is chunked came to its last chunk.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Reads a body of the announced length.
    pub(crate) async fn body(&mut self, head: &Head) -> Vec<u8> {
        let len: usize = head.header("content-length").parse().expect("a length");
        while self.buffer.len() < len {
            assert!(self.fill().await, "the body ended early");
        }
        self.buffer.drain(..len).collect()
    }

    /// Reads until the other end closes; a reset counts as an end.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Reads some more; false at the end.
    async fn fill(&mut self) -> bool {
        let mut some = vec![0; 64 * 1024];
        match soon("bytes", self.stream.read(&mut some)).await {
            Ok(0) | Err(_) => false,
            Ok(len) => {
                self.buffer.extend_from_slice(&some[..len]);
                true
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
