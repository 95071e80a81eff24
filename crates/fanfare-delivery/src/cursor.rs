//! Cursors: the position of each webhook in the log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fanfare_core::Position;

/// The position of a webhook, as its worker knows it and as it is recorded.
#[derive(Debug)]
pub struct Cursor {
    /// Guards both; held for a copy.
    positions: Mutex<Positions>,
}

#[derive(Debug, Clone, Copy)]
struct Positions {
    known: Position,
    written: Position,
}

impl Cursor {
    /// Creates a cursor at the position that the store has.
    pub fn new(position: Position) -> Cursor {
        Cursor { positions: Mutex::new(Positions { known: position, written: position }) }
    }

    /// Returns the position up to which everything is delivered, does not match, or has a row.
    pub fn get(&self) -> Position {
        self.positions().known
    }

    /// Returns the part of that which is recorded.
    pub fn written(&self) -> Position {
        self.positions().written
    }

    /// Returns the position to record, if it differs from the recorded one.
    pub(super) fn moved(&self) -> Option<Position> {
        let Positions { known, written } = *self.positions();
        (known != written).then_some(known)
    }

    /// Sets the position of the webhook; returns whether it changed.
    pub(super) fn set(&self, position: Position) -> bool {
        std::mem::replace(&mut self.positions().known, position) != position
    }

    /// Continues from the position that another instance recorded.
    pub(super) fn restart(&self, position: Position) {
        *self.positions() = Positions { known: position, written: position };
    }

    /// Sets the position that is recorded.
    pub(super) fn set_written(&self, position: Position) {
        self.positions().written = position;
    }

    fn positions(&self) -> MutexGuard<'_, Positions> {
        // A copy does not panic.
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
