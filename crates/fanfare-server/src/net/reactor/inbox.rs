//! The reactor's inbox: how others reach its thread.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

use mio::{Registry, Token};

use crate::net::reactor::command::{Adopted, Command};

/// The token under which the inbox wakes the reactor; no stream has it.
pub const WAKE: Token = Token(usize::MAX);

/// A reactor's inbox. Unbounded in itself: it holds at most a command per connection and per feed, and both have
/// bounds.
#[derive(Debug)]
pub struct Inbox {
    /// Guards the commands; held to push one or to take all.
    commands: Mutex<Vec<Command>>,
    waker: mio::Waker,
}

impl Inbox {
    /// Makes an inbox that wakes the poll of `registry`.
    pub fn new(registry: &Registry) -> io::Result<Inbox> {
        Ok(Inbox { commands: Mutex::new(Vec::new()), waker: mio::Waker::new(registry, WAKE)? })
    }

    /// Hands a command over; wakes the reactor unless it was woken already.
    pub fn send(&self, command: Command) {
        let was_empty = {
            let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
            commands.push(command);
            commands.len() == 1
        };
        if was_empty && let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a reactor could not be woken");
        }
    }

    /// Takes all commands.
    pub fn take(&self) -> Vec<Command> {
        std::mem::take(&mut *self.commands.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells the reactor of appends to one feed, once until it looks.
#[derive(Debug)]
pub struct FeedWaker {
    inbox: Arc<Inbox>,
    group: usize,
    told: AtomicBool,
}

impl FeedWaker {
    /// Makes the waker of `group`.
    pub fn new(inbox: Arc<Inbox>, group: usize) -> FeedWaker {
        FeedWaker { inbox, group, told: AtomicBool::new(false) }
    }

    /// Says that the reactor looks now.
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
            self.inbox.send(Command::Appended(self.group));
        }
    }
}

/// All reactors of the process; streams are dealt out in turn.
#[derive(Debug)]
pub struct Reactors {
    inboxes: Vec<Arc<Inbox>>,
    next: AtomicUsize,
}

impl Reactors {
    /// Takes at least one inbox.
    pub fn new(inboxes: Vec<Arc<Inbox>>) -> Reactors {
        Reactors { inboxes, next: AtomicUsize::new(0) }
    }

    /// Hands a stream to the reactor whose turn it is.
    pub fn adopt(&self, adopted: Adopted) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.inboxes.len();
        self.inboxes[turn].send(Command::Adopt(Box::new(adopted)));
    }

    /// Has every reactor end when its last stream has.
    pub fn stop(&self) {
        for inbox in &self.inboxes {
            inbox.send(Command::Stop);
        }
    }

    /// Has every stream closed at once.
    pub fn hang_up(&self) {
        for inbox in &self.inboxes {
            inbox.send(Command::HangUp);
        }
    }
}
