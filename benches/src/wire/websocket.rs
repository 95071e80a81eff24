//! The client side of a WebSocket: text messages, which the servers here never send in fragments.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Result, bail, ensure};

use super::head::Head;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
/// Masking protects proxies from malicious clients (RFC 6455, section 10.3). Without a proxy, any mask works.
const MASK: [u8; 4] = [0x17, 0x2b, 0x3d, 0x71];
/// A longer frame is a mistake, not an event.
const FRAME_LEN_MAX: usize = 32 * 1024 * 1024;

pub(crate) struct WebSocket {
    stream: TcpStream,
    bytes: Vec<u8>,
    buffer: Vec<u8>,
}

impl WebSocket {
    /// Opens a socket at `path` on a connection.
    pub(crate) fn open(mut stream: TcpStream, host: SocketAddr, path: &str) -> Result<Self> {
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )?;
        let mut socket = Self { stream, bytes: Vec::new(), buffer: vec![0; 64 * 1024] };
        loop {
            ensure!(socket.fill()?, "the server hung up before it answered");
            if let Some(head) = Head::parse(&socket.bytes)? {
                let (status, len) = (head.status()?, head.len);
                ensure!(status == 101, "an upgrade was answered {status}");
                socket.bytes.drain(..len);
                return Ok(socket);
            }
        }
    }

    /// Sets the maximum time of one `read`.
    pub(crate) fn patience(&self, patience: Duration) -> Result<()> {
        Ok(self.stream.set_read_timeout(Some(patience))?)
    }

    pub(crate) fn send(&mut self, text: &str) -> Result<()> {
        self.frame(TEXT, text.as_bytes())
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.frame(CLOSE, &1000_u16.to_be_bytes())
    }

    /// Sends the beginning of a message, but never the rest.
    pub(crate) fn send_part(&mut self) -> Result<()> {
        Ok(self.stream.write_all(&[FINAL | TEXT, MASKED | 100, 0])?)
    }

    /// Reads once and hands the messages to `each`; false at the end of the socket.
    pub(crate) fn read(&mut self, mut each: impl FnMut(&[u8])) -> Result<bool> {
        if !self.fill()? {
            return Ok(false);
        }
        let mut used = 0;
        let mut pings = Vec::new();
        let mut is_open = true;
        while let Some((opcode, payload, len)) = cut(&self.bytes[used..])? {
            match opcode {
                TEXT => each(payload),
                PING => pings.push(payload.to_vec()),
                CLOSE => is_open = false,
                PONG => {}
                other => bail!("a frame with opcode {other}"),
            }
            used += len;
        }
        self.bytes.drain(..used);
        for ping in pings {
            self.frame(PONG, &ping)?;
        }
        Ok(is_open)
    }

    /// Reads the available bytes, or nothing once the patience is over; false at the end.
    fn fill(&mut self) -> Result<bool> {
        match self.stream.read(&mut self.buffer) {
            Ok(0) => return Ok(false),
            Ok(len) => self.bytes.extend_from_slice(&self.buffer[..len]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(false),
            Err(error) => bail!(error),
        }
        Ok(true)
    }

    fn frame(&mut self, opcode: u8, payload: &[u8]) -> Result<()> {
        let mut frame = vec![FINAL | opcode];
        match payload.len() {
            len @ ..=125 => frame.push(MASKED | len as u8),
            len @ ..=0xffff => {
                frame.push(MASKED | 126);
                frame.extend((len as u16).to_be_bytes());
            }
            len => {
                frame.push(MASKED | 127);
                frame.extend((len as u64).to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        Ok(self.stream.write_all(&frame)?)
    }
}

/// Cuts the first frame off; `None` while it is incomplete.
fn cut(bytes: &[u8]) -> Result<Option<(u8, &[u8], usize)>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    ensure!(first & FINAL != 0 && second & MASKED == 0, "a fragment, or a frame with a mask");
    let (size, len) = match second & !MASKED {
        126 => (2, rest.first_chunk().map(|len| usize::from(u16::from_be_bytes(*len)))),
        127 => (8, rest.first_chunk().map(|len| u64::from_be_bytes(*len) as usize)),
        len => (0, Some(usize::from(len))),
    };
    let Some(len) = len else { return Ok(None) };
    ensure!(len <= FRAME_LEN_MAX, "a frame of {len} bytes");
    Ok(rest.get(size..size + len).map(|payload| (first & !FINAL, payload, 2 + size + len)))
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn frames_of_all_lengths_are_cut_when_they_are_whole() {
        for (len, head) in [
            (5, vec![0x81, 5]),
            (300, [&[0x81, 126][..], &300_u16.to_be_bytes()].concat()),
            (70_000, [&[0x81, 127][..], &70_000_u64.to_be_bytes()].concat()),
        ] {
            let frame = [head, vec![b'x'; len]].concat();
            let found = cut(&frame).expect("well formed").expect("whole");
            assert_eq!((found.0, found.1.len(), found.2), (1, len, frame.len()));
            for part in [1, 2, frame.len() - 1] {
                assert!(cut(&frame[..part]).expect("a beginning").is_none());
            }
        }
    }
}
