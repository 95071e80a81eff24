//! Messages as lines (the stdio transport): one JSON text in each, in both directions.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use fanfare_mcp::json_rpc::BadMessage;
use fanfare_mcp::{Error, Id, IdFinder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::mcp::engine::Server;
use crate::mcp::limits::MESSAGE_LEN_MAX;
use crate::mcp::outbox::{Attachment, Entry, Outbox};
use crate::mcp::session::Session;
use crate::mcp::transports::duplex::{Calls, Waits};

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
    /// The line is too long: the rest of it is only searched for its id.
    skipping: Option<IdFinder>,
}

/// A line that is longer than [`MESSAGE_LEN_MAX`], with the id of its message if it can be found; it is discarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLong(pub Option<Id>);

impl TooLong {
    fn of(line: &[u8]) -> TooLong {
        let mut finder = IdFinder::default();
        finder.read(line);
        TooLong(finder.found().cloned())
    }

    /// Returns the error for the sender.
    pub fn refused(self) -> BadMessage {
        let problem = format!(
            "a message is longer than {} MiB; send less at once, or a link to it",
            MESSAGE_LEN_MAX >> 20
        );
        BadMessage { id: self.0, error: Error::invalid_request(problem) }
    }
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads `input`.
    pub fn new(input: R) -> Lines<R> {
        Lines { input, buffer: BytesMut::new(), searched: 0, skipping: None }
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
                // One more may be the first half of the line's end.
                if self.skipping.is_some() || self.searched > MESSAGE_LEN_MAX + 1 {
                    self.skip(self.searched);
                }
                return None;
            };
            let len = self.searched + end;
            if self.skipping.is_some() || len > MESSAGE_LEN_MAX + 1 {
                self.skip(len);
                self.buffer.advance(1);
                return self.skipped().map(Err);
            }
            let mut line = self.buffer.split_to(len);
            self.buffer.advance(1);
            self.searched = 0;
            if line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            if line.len() > MESSAGE_LEN_MAX {
                return Some(Err(TooLong::of(&line)));
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some(Ok(line));
            }
        }
    }

    /// Removes and returns the rest at the end of the input: a line without its break.
    pub fn rest(&mut self) -> Option<Result<BytesMut, TooLong>> {
        self.searched = 0;
        if self.skipping.is_some() {
            self.skip(self.buffer.len());
            return self.skipped().map(Err);
        }
        let line = self.buffer.split();
        if line.len() > MESSAGE_LEN_MAX {
            return Some(Err(TooLong::of(&line)));
        }
        (!line.iter().all(u8::is_ascii_whitespace)).then_some(Ok(line))
    }

    /// Discards the first `len` bytes of the buffer, a part of a line that is too long. The end of the line has the
    /// answer: many clients write the id last.
    fn skip(&mut self, len: usize) {
        let part = self.buffer.split_to(len);
        self.skipping.get_or_insert_default().read(&part);
        self.searched = 0;
        if self.buffer.is_empty() {
            // A line that is too long grew the buffer; it need not stay so large.
            self.buffer = BytesMut::new();
        }
    }

    fn skipped(&mut self) -> Option<TooLong> {
        let finder = self.skipping.take()?;
        Some(TooLong(finder.found().cloned()))
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
    let (read, limit, waits) = match ended {
        Ok(ConversationEnd::Input(read)) => (read, FINISH_MAX, Waits::Answer),
        Ok(ConversationEnd::Stop) => (Ok(()), STOP_MAX, Waits::Cancel),
        Ok(ConversationEnd::Output) | Err(_) => {
            session.end();
            return ended.map(drop);
        }
    };
    tokio::select! {
        finished = calls.finish(limit, waits) => if !finished {
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
                    match lines.rest() {
                        Some(Ok(line)) => calls.take(&line, None),
                        Some(Err(too_long)) => calls.refuse(too_long.refused()),
                        None => {}
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
    use fanfare_mcp::Id;
    use tokio::io::{AsyncRead, AsyncReadExt};

    use super::{Lines, MESSAGE_LEN_MAX, TooLong};

    type Found = Result<String, TooLong>;

    async fn lines(input: impl AsyncRead + Unpin) -> (Vec<Found>, Option<Found>) {
        let text = |bytes: bytes::BytesMut| String::from_utf8(bytes.to_vec()).unwrap();
        let (mut lines, mut found) = (Lines::new(input), Vec::new());
        loop {
            while let Some(line) = lines.take() {
                found.push(line.map(text));
            }
            if !lines.fill().await.unwrap() {
                return (found, lines.rest().map(|line| line.map(text)));
            }
        }
    }

    #[tokio::test]
    async fn lines_end_in_any_way_and_empty_ones_are_none() {
        let (found, rest) = lines(&b"{}\n\n \r\n[1]\r\nlast"[..]).await;
        assert_eq!(found, [Ok("{}".to_owned()), Ok("[1]".to_owned())]);
        assert_eq!(rest, Some(Ok("last".to_owned())));
        assert_eq!(lines(&b"\n"[..]).await, (vec![], None));
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_told_once_with_its_id_and_the_next_one_read() {
        let id = |id: Option<u64>| Err(TooLong(id.map(Id::number)));
        for extra in [1, 2, 100_000, MESSAGE_LEN_MAX] {
            let filler = "x".repeat(MESSAGE_LEN_MAX + extra);
            for (line, wanted) in [
                (filler.clone(), None),
                (format!(r#"{{"id":7,"method":"{filler}"}}"#), Some(7)),
                (format!(r#"{{"method":"{filler}","id":8}}"#), Some(8)),
            ] {
                for end in ["\n", "\r\n"] {
                    let (found, rest) = lines(format!("{line}{end}fine\n").as_bytes()).await;
                    assert_eq!(found, [id(wanted), Ok("fine".to_owned())]);
                    assert_eq!(rest, None);
                }
                assert_eq!(lines(line.as_bytes()).await, (vec![], Some(id(wanted))), "without a break");
            }
        }
        let longest = "x".repeat(MESSAGE_LEN_MAX);
        for end in ["\n", "\r\n"] {
            assert_eq!(lines(format!("{longest}{end}").as_bytes()).await, (vec![Ok(longest.clone())], None));
        }
    }

    #[tokio::test]
    async fn it_does_not_matter_where_the_input_is_cut() {
        // The longest line, and the shortest that is too long; each ends near the bound.
        for (len, wanted) in
            [(MESSAGE_LEN_MAX, None), (MESSAGE_LEN_MAX + 1, Some(TooLong(Some(Id::number(7)))))]
        {
            let filler = "x".repeat(len - r#"{"method":"","id":7}"#.len());
            let line = format!(r#"{{"method":"{filler}","id":7}}"#);
            for end in ["\n", "\r\n"] {
                let input = format!("{line}{end}fine\n");
                for cut in MESSAGE_LEN_MAX - 3..MESSAGE_LEN_MAX + 6 {
                    let (first, second) = input.as_bytes().split_at(cut);
                    let (found, rest) = lines(first.chain(second)).await;
                    let long = wanted.clone().map_or_else(|| Ok(line.clone()), Err);
                    assert!(
                        found == [long, Ok("fine".to_owned())] && rest.is_none(),
                        "{len} bytes cut at {cut}"
                    );
                }
            }
        }
    }
}
