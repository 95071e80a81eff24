//! Cursors: the position of each webhook in the log.

use std::sync::atomic::{AtomicU64, Ordering};

/// The position of a webhook, as its worker knows it and as it is recorded.
#[derive(Debug)]
pub struct Cursor {
    known: AtomicU64,
    written: AtomicU64,
}

impl Cursor {
    /// Creates a cursor at the position that the store has.
    pub fn new(seq: u64) -> Cursor {
        Cursor { known: seq.into(), written: seq.into() }
    }

    /// Returns the seq up to which everything is delivered, does not match, or has a row.
    pub fn get(&self) -> u64 {
        self.known.load(Ordering::Acquire)
    }

    /// Returns the part of that which is recorded.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Returns the seq to record, if it differs from the recorded one.
    pub(super) fn moved(&self) -> Option<u64> {
        let seq = self.get();
        (seq != self.written()).then_some(seq)
    }

    /// Sets the position of the webhook; returns whether it changed.
    pub(super) fn set(&self, seq: u64) -> bool {
        self.known.swap(seq, Ordering::AcqRel) != seq
    }

    /// Sets the position that is recorded.
    pub(super) fn set_written(&self, seq: u64) {
        self.written.store(seq, Ordering::Release);
    }
}
