//! Calls over the standard streams of a server that was started for it: many at a time on one pair of pipes.

use std::{
    io::{ErrorKind, Read, Write},
    process::{ChildStdin, ChildStdout},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use mio::{
    Events, Interest, Poll, Token,
    unix::pipe::{Receiver, Sender},
};

use super::{Transport, book::Book};

const ANSWERS: Token = Token(0);
const CALLS: Token = Token(1);
/// Maximum length of an answer; real ones are far shorter.
const LINE_MAX: usize = 1024 * 1024;

pub(super) struct Stdio {
    poll: Poll,
    events: Events,
    calls: Sender,
    answers: Receiver,
    /// The bytes that the pipe has not accepted yet.
    unsent: Vec<u8>,
    /// The part of an incomplete line that was read.
    partial: Vec<u8>,
    buffer: Vec<u8>,
}

impl Stdio {
    pub(super) fn new(stdin: ChildStdin, stdout: ChildStdout) -> Result<Self> {
        let (mut calls, mut answers) = (Sender::from(stdin), Receiver::from(stdout));
        calls.set_nonblocking(true)?;
        answers.set_nonblocking(true)?;
        let poll = Poll::new()?;
        poll.registry().register(&mut calls, CALLS, Interest::WRITABLE)?;
        poll.registry().register(&mut answers, ANSWERS, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(2),
            calls,
            answers,
            unsent: Vec::new(),
            partial: Vec::new(),
            // The capacity of a pipe.
            buffer: vec![0; 64 * 1024],
        })
    }

    fn flush(&mut self) -> Result<()> {
        while !self.unsent.is_empty() {
            match self.calls.write(&self.unsent) {
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("sending a call"),
            }
        }
        Ok(())
    }

    fn read(&mut self, book: &mut Book) -> Result<()> {
        loop {
            let len = match self.answers.read(&mut self.buffer) {
                Ok(0) => bail!("the server closed its stdout"),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("reading an answer"),
            };
            self.partial.extend_from_slice(&self.buffer[..len]);
            let mut start = 0;
            while let Some(len) = memchr::memchr(b'\n', &self.partial[start..]) {
                book.answer(&self.partial[start..start + len])?;
                start += len + 1;
                // Each call leaves when the one before it is answered, in a write of its own: they are calls of
                // different callers, and not a batch.
                if let Some(call) = book.next_call() {
                    self.unsent.extend_from_slice(call);
                    self.flush()?;
                }
            }
            self.partial.drain(..start);
            ensure!(self.partial.len() <= LINE_MAX, "a line of over {LINE_MAX} bytes");
        }
    }
}

impl Transport for Stdio {
    fn send(&mut self, _lane: usize, call: &[u8]) -> Result<()> {
        self.unsent.extend_from_slice(call);
        self.flush()
    }

    fn turn(&mut self, book: &mut Book, timeout: Duration) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        if self.events.iter().any(|event| event.token() == CALLS) {
            self.flush()?;
        }
        if self.events.iter().any(|event| event.token() == ANSWERS) {
            self.read(book)?;
        }
        Ok(())
    }
}
