//! Messages as lines (the stdio transport): one JSON text in each, in both directions.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use fanfare_mcp::Error;
use fanfare_mcp::json_rpc::BadMessage;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::mcp::engine::Server;
use crate::mcp::limits::MESSAGE_LEN_MAX;
use crate::mcp::outbox::{Attachment, Entry, Outbox};
use crate::mcp::session::Session;
use crate::mcp::transports::duplex::Calls;

/// Size of a read: the capacity of a pipe.
const CHUNK_LEN: usize = 64 * 1024;
/// Size of a write, if that much waits; one more message may come on top.
const WRITE_LEN_MAX: usize = 256 * 1024;
/// Maximum time for calls that are running at the end of the input.
pub const FINISH_MAX: Duration = Duration::from_secs(60);
/// Maximum time for running calls after a request to stop.
const STOP_MAX: Duration = Duration::from_secs(5);
/// Maximum time for the client to read the last answers.
pub const FLUSH_MAX: Duration = Duration::from_secs(10);

/// Lines of an input, each at most [`MESSAGE_LEN_MAX`] bytes long.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    buffer: BytesMut,
    /// The length of the buffer's start that was searched and has no line break.
    searched: usize,
    /// The line is too long; the rest of it is discarded.
    skipping: bool,
}

/// A line that is longer than [`MESSAGE_LEN_MAX`]; it is discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl TooLong {
    /// Returns the error for the sender.
    pub fn refused(self) -> BadMessage {
        let problem = format!("a message is longer than {} MiB", MESSAGE_LEN_MAX >> 20);
        BadMessage { id: None, error: Error::invalid_request(problem) }
    }
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads `input`.
    pub fn new(input: R) -> Lines<R> {
        Lines { input, buffer: BytesMut::new(), searched: 0, skipping: false }
    }

    /// Reads more; returns whether there was more. Cancelling loses nothing.
    pub async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(CHUNK_LEN);
        Ok(self.input.read_buf(&mut self.buffer).await? > 0)
    }

    /// Removes and returns the next complete line, without its end; empty lines are skipped.
    pub fn take(&mut self) -> Option<Result<BytesMut, TooLong>> {
        loop {
            let Some(end) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
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

    /// Removes and returns the rest at the end of the input: a line without its break.
    pub fn rest(&mut self) -> Option<BytesMut> {
        self.searched = 0;
        let line = self.buffer.split();
        (!self.skipping && !line.iter().all(u8::is_ascii_whitespace)).then_some(line)
    }
}

/// Serves the client at the other end of `input` and `output`, as `session`, until the input ends or `stop` does. Then
/// it finishes running calls and sends every answer.
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
    let mut writer = Writer::new(&outbox, output);
    let mut calls = Calls::new(server, Arc::clone(&session));
    let ended = tokio::select! {
        ended = talk(&mut calls, Lines::new(input), &mut writer) => ended,
        () = stop => Ok(ConversationEnd::Stop),
    };
    let (read, limit) = match ended {
        Ok(ConversationEnd::Input(read)) => (read, FINISH_MAX),
        Ok(ConversationEnd::Stop) => (Ok(()), STOP_MAX),
        Ok(ConversationEnd::Output) | Err(_) => {
            session.end();
            return ended.map(drop);
        }
    };
    tokio::select! {
        finished = calls.finish(limit) => if !finished {
            tracing::warn!("some calls did not end in time and were cut off");
        },
        written = writer.run() => {
            session.end();
            return written;
        }
    }
    session.end();
    match tokio::time::timeout(FLUSH_MAX, writer.run()).await {
        Ok(written) => written.and(read),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// The side that ended first.
enum ConversationEnd {
    /// The input ended, or could not be read.
    Input(io::Result<()>),
    /// The last message for this client was sent.
    Output,
    /// The gateway was asked to stop.
    Stop,
}

/// Reads lines and writes messages in turns: an answer that is ready once its line was read goes out without waking
/// another task.
async fn talk<R, W>(
    calls: &mut Calls,
    mut lines: Lines<R>,
    writer: &mut Writer<'_, W>,
) -> io::Result<ConversationEnd>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
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
            more = lines.fill(), if calls.has_room() => match more {
                Ok(true) => {}
                Ok(false) => {
                    if let Some(line) = lines.rest() {
                        calls.take(&line, None);
                    }
                    return Ok(ConversationEnd::Input(Ok(())));
                }
                Err(error) => return Ok(ConversationEnd::Input(Err(error))),
            },
            () = calls.progress() => {}
            follows = writer.step() => if !follows? {
                return Ok(ConversationEnd::Output);
            },
        }
    }
}

/// Writes the messages of an outbox, one per line, all waiting ones at once.
#[derive(Debug)]
pub struct Writer<'a, W> {
    outbox: &'a Outbox,
    attachment: Attachment,
    /// The number of the last message in `bytes`.
    seq: u64,
    output: W,
    /// Whole lines, and the number of bytes of them that were written.
    bytes: Vec<u8>,
    written: usize,
}

impl<W: AsyncWrite + Unpin> Writer<'_, W> {
    /// Attaches to `outbox`; a previous consumer is detached.
    pub fn new(outbox: &Outbox, output: W) -> Writer<'_, W> {
        let attachment = outbox.attach();
        Writer { outbox, attachment, seq: outbox.taken(), output, bytes: Vec::new(), written: 0 }
    }

    /// Writes until the outbox is closed. Cancelling loses nothing.
    pub async fn run(&mut self) -> io::Result<()> {
        while self.step().await? {}
        Ok(())
    }

    /// Waits for messages and writes them; returns whether more can follow. Cancelling loses nothing.
    async fn step(&mut self) -> io::Result<bool> {
        if self.bytes.is_empty() {
            let Some(first) = self.outbox.next(self.attachment, self.seq).await else { return Ok(false) };
            self.gather(first);
        }
        while self.written < self.bytes.len() {
            match self.output.write(&self.bytes[self.written..]).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                len => self.written += len,
            }
        }
        self.output.flush().await?;
        self.written = 0;
        self.bytes.clear();
        self.bytes.shrink_to(WRITE_LEN_MAX);
        Ok(true)
    }

    fn gather(&mut self, first: Entry) {
        let mut taken = Some(first);
        while let Some(message) = taken {
            self.seq = message.seq;
            self.bytes.extend_from_slice(&message.message);
            self.bytes.push(b'\n');
            taken = match self.bytes.len() < WRITE_LEN_MAX {
                true => self.outbox.try_next(self.attachment, self.seq),
                false => None,
            };
        }
    }
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
