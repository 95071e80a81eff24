//! Messages as lines (the stdio transport): one JSON text in each, in both directions.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use fanfare_mcp::Error;
use fanfare_mcp::json_rpc::Refused;
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::mcp::Server;
use crate::mcp::duplex::{Calls, MESSAGE_LEN_MAX};
use crate::mcp::outbox::Outbox;
use crate::mcp::session::Session;

/// How much is read at once: what a pipe holds.
const CHUNK_LEN: usize = 64 * 1024;
/// How much is written at once, when so much waits; one more message may come on top.
const WRITE_LEN_MAX: usize = 256 * 1024;
/// How long calls may take that are under way at the end of the input.
pub const FINISH_MAX: Duration = Duration::from_secs(60);
/// The same when somebody asked to stop.
const STOP_MAX: Duration = Duration::from_secs(5);
/// How long the client may take to read the last answers.
pub const FLUSH_MAX: Duration = Duration::from_secs(10);

/// Lines of an input, each at most [`MESSAGE_LEN_MAX`] bytes long.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    buffer: BytesMut,
    /// So much of the buffer has no line break.
    searched: usize,
    /// The line is too long; the rest of it is thrown away.
    skipping: bool,
}

/// A line that is longer than [`MESSAGE_LEN_MAX`]; it is thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl TooLong {
    /// Says so to whoever sent it.
    pub fn refused(self) -> Refused {
        let problem = format!("a message is longer than {} MiB", MESSAGE_LEN_MAX >> 20);
        Refused { id: None, error: Error::invalid_request(problem) }
    }
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads `input`.
    pub fn new(input: R) -> Lines<R> {
        Lines { input, buffer: BytesMut::new(), searched: 0, skipping: false }
    }

    /// Reads more; says whether there was more. Can be cancelled without loss.
    pub async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(CHUNK_LEN);
        Ok(self.input.read_buf(&mut self.buffer).await? > 0)
    }

    /// Takes the next line that is there, without its end; empty ones are skipped.
    pub fn take(&mut self) -> Option<Result<BytesMut, TooLong>> {
        loop {
            let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                if self.skipping || self.searched > MESSAGE_LEN_MAX {
                    self.buffer.clear();
                    self.searched = 0;
                    if !std::mem::replace(&mut self.skipping, true) {
                        return Some(Err(TooLong));
                    }
                }
                return None;
            };
            let mut line = self.buffer.split_to(self.searched + end);
            self.buffer.advance(1);
            self.searched = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            if line.len() > MESSAGE_LEN_MAX {
                return Some(Err(TooLong));
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some(Ok(line));
            }
        }
    }

    /// Takes what is left at the end of the input: a line without its break.
    pub fn rest(&mut self) -> Option<BytesMut> {
        self.searched = 0;
        let line = self.buffer.split();
        (!self.skipping && !line.iter().all(u8::is_ascii_whitespace)).then_some(line)
    }
}

/// Serves the client at the other end of `input` and `output`, as `session`, until the input ends or `stop` does.
/// Then what is under way is finished, and everything said.
pub async fn serve<R, W>(
    server: Server,
    session: Arc<Session>,
    input: R,
    output: W,
    stop: impl Future<Output = ()>,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let outbox = Arc::clone(&session.outbox);
    let writing = write_out(&outbox, output);
    tokio::pin!(writing);
    let reading = async {
        let mut calls = Calls::new(server, Arc::clone(&session));
        let (read, limit) = tokio::select! {
            read = read_in(&mut calls, Lines::new(input)) => (read, FINISH_MAX),
            () = stop => (Ok(()), STOP_MAX),
        };
        if !calls.finish(limit).await {
            tracing::warn!("calls were cut off that did not end in time");
        }
        session.end();
        read
    };
    let read = tokio::select! {
        read = reading => read,
        written = &mut writing => {
            session.end();
            return written;
        }
    };
    match tokio::time::timeout(FLUSH_MAX, writing).await {
        Ok(written) => written.and(read),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn read_in<R: AsyncRead + Unpin>(calls: &mut Calls, mut lines: Lines<R>) -> io::Result<()> {
    loop {
        while calls.has_room()
            && let Some(line) = lines.take()
        {
            match line {
                Ok(line) => calls.take(&line, None),
                Err(too_long) => calls.refuse(too_long.refused()),
            }
        }
        tokio::select! {
            more = lines.fill(), if calls.has_room() => if !more? {
                if let Some(line) = lines.rest() {
                    calls.take(&line, None);
                }
                return Ok(());
            },
            () = calls.progress() => {}
        }
    }
}

/// Writes what an outbox has, a line for each message, until nothing follows: everything that waits at once.
pub async fn write_out<W: AsyncWrite + Unpin>(outbox: &Outbox, mut output: W) -> io::Result<()> {
    let reader = outbox.attach();
    let mut seq = outbox.taken();
    let mut bytes = Vec::new();
    while let Some(first) = outbox.next(reader, seq).await {
        let mut taken = Some(first);
        while let Some(message) = taken {
            seq = message.seq;
            bytes.extend_from_slice(&message.message);
            bytes.push(b'\n');
            taken = match bytes.len() < WRITE_LEN_MAX {
                true => outbox.next(reader, seq).now_or_never().flatten(),
                false => None,
            };
        }
        output.write_all(&bytes).await?;
        output.flush().await?;
        bytes.clear();
        bytes.shrink_to(WRITE_LEN_MAX);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Lines, MESSAGE_LEN_MAX, TooLong};

    async fn lines(input: &[u8]) -> (Vec<Result<String, TooLong>>, Option<String>) {
        let text = |bytes: bytes::BytesMut| String::from_utf8(bytes.to_vec()).unwrap();
        let (mut lines, mut found) = (Lines::new(input), Vec::new());
        loop {
            while let Some(line) = lines.take() {
                found.push(line.map(text));
            }
            if !lines.fill().await.unwrap() {
                return (found, lines.rest().map(text));
            }
        }
    }

    #[tokio::test]
    async fn lines_end_in_any_way_and_empty_ones_are_none() {
        let (found, rest) = lines(b"{}\n\n \r\n[1]\r\nlast").await;
        assert_eq!(found, [Ok("{}".to_owned()), Ok("[1]".to_owned())]);
        assert_eq!(rest.as_deref(), Some("last"));
        assert_eq!(lines(b"\n").await, (vec![], None));
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_told_once_and_the_next_one_read() {
        for extra in [1, 100_000, MESSAGE_LEN_MAX] {
            let mut input = vec![b'x'; MESSAGE_LEN_MAX + extra];
            input.extend_from_slice(b"\nfine\n");
            let (found, rest) = lines(&input).await;
            assert_eq!(found, [Err(TooLong), Ok("fine".to_owned())]);
            assert_eq!(rest, None);
        }
        let mut input = vec![b'x'; MESSAGE_LEN_MAX];
        input.push(b'\n');
        assert_eq!(lines(&input).await.0.len(), 1);
        assert!(lines(&input).await.0[0].is_ok());
        input.insert(0, b'x');
        assert_eq!(lines(&input[..=MESSAGE_LEN_MAX]).await, (vec![Err(TooLong)], None));
    }
}
