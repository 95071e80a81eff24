//! The inbox of a reactor, and what wakes it for a feed.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use mio::Registry;

use crate::net::reactor::{Command, WAKE};

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
