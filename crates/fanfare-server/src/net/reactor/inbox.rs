//! The inbox of a reactor, through which others reach its thread, and the commands that it takes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use bytes::Bytes;
use fanfare_core::wire::sse;
use mio::{Registry, Token};

use crate::net::limits::Permit;
use fanfare_hub::subscription::Subscription;
use fanfare_hub::values;

/// The token under which the inbox wakes the reactor; no stream has it.
pub const WAKE: Token = Token(usize::MAX);

/// A command for the reactor.
#[derive(Debug)]
pub enum Command {
    /// Adopt a stream.
    Adopt(Box<Adopted>),
    /// The feed of this group has something new.
    Appended(usize),
    /// Close every stream at once.
    HangUp,
    /// A subscription was lost during a read for it.
    Lost {
        /// The stream's key in the reactor's table.
        key: usize,
        /// Distinguishes the stream from a later one with the same key.
        serial: u64,
    },
    /// A read for a subscription has finished.
    ReadBack(ReadBack),
    /// End when the last stream has ended.
    Stop,
}

/// A stream that the server let go of.
#[derive(Debug)]
pub struct Adopted {
    /// The socket, nonblocking.
    pub socket: std::net::TcpStream,
    /// The response's head and the first bytes of the stream.
    pub head: Bytes,
    /// The subscription to send.
    pub subscription: Subscription,
    /// The format of the events.
    pub format: sse::Format,
    /// The right to be connected.
    pub permit: Permit,
}

/// A subscription on its way back to its stream, after a read for it.
#[derive(Debug)]
pub struct ReadBack {
    /// The stream's key in the reactor's table.
    pub key: usize,
    /// Distinguishes the stream from a later one with the same key.
    pub serial: u64,
    /// The subscription, lent by the stream.
    pub subscription: Subscription,
    /// The outcome of the read.
    pub outcome: Result<(), values::Error>,
}

/// A reactor's inbox. Unbounded in itself: it holds at most a command per connection and per feed, and both have
/// bounds.
#[derive(Debug)]
pub struct Inbox {
    /// Guards the commands; held to push one or to remove all. `None` once the reactor has ended.
    commands: Mutex<Option<Vec<Command>>>,
    waker: mio::Waker,
}

impl Inbox {
    /// Creates an inbox that wakes the poll of `registry`.
    pub fn new(registry: &Registry) -> io::Result<Inbox> {
        Ok(Inbox { commands: Mutex::new(Some(Vec::new())), waker: mio::Waker::new(registry, WAKE)? })
    }

    /// Passes a command on; wakes the reactor unless it was already woken. Returns the command if the reactor has
    /// ended.
    pub fn send(&self, command: Command) -> Result<(), Command> {
        let was_empty = {
            let mut commands = self.commands();
            let Some(commands) = &mut *commands else { return Err(command) };
            commands.push(command);
            commands.len() == 1
        };
        if was_empty && let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a reactor could not be woken");
        }
        Ok(())
    }

    /// Removes and returns all commands.
    pub fn take(&self) -> Vec<Command> {
        self.commands().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Closes the inbox, and drops the remaining commands.
    pub fn close(&self) {
        let left = self.commands().take();
        // Not under the lock: a subscription that is dropped locks parts of the hub, whose appends lead here.
        drop(left);
    }

    fn commands(&self) -> MutexGuard<'_, Option<Vec<Command>>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Informs the reactor of appends to one feed, once until the reactor looks.
#[derive(Debug)]
pub struct FeedWaker {
    inbox: Arc<Inbox>,
    group: usize,
    told: AtomicBool,
}

impl FeedWaker {
    /// Creates the waker of `group`.
    pub fn new(inbox: Arc<Inbox>, group: usize) -> FeedWaker {
        FeedWaker { inbox, group, told: AtomicBool::new(false) }
    }

    /// Allows the next wake: the reactor is looking now.
    pub fn rearm(&self) {
        self.told.store(false, Ordering::SeqCst);
    }
}

impl Wake for FeedWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.told.swap(true, Ordering::SeqCst) {
            // A reactor that has ended has no streams to inform.
            let _ = self.inbox.send(Command::Appended(self.group));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Inbox};

    #[test]
    fn a_closed_inbox_gives_back_what_it_is_sent() {
        let poll = mio::Poll::new().expect("a poll");
        let inbox = Inbox::new(poll.registry()).expect("an inbox");
        assert!(inbox.send(Command::HangUp).is_ok() && inbox.send(Command::Appended(1)).is_ok());
        assert!(matches!(inbox.take()[..], [Command::HangUp, Command::Appended(1)]));
        assert!(inbox.send(Command::HangUp).is_ok());
        inbox.close();
        assert!(matches!(inbox.send(Command::Stop), Err(Command::Stop)));
        assert!(inbox.take().is_empty());
    }
}
