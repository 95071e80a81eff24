//! Cursors: how far each webhook is.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far a webhook is, as its worker knows, and as is written down.
#[derive(Debug)]
pub struct Cursor {
    known: AtomicU64,
    written: AtomicU64,
}

impl Cursor {
    /// Starts where the store has it.
    pub fn new(seq: u64) -> Cursor {
        Cursor { known: seq.into(), written: seq.into() }
    }

    /// Returns the seq up to which everything is delivered, does not match, or has a row.
    pub fn get(&self) -> u64 {
        self.known.load(Ordering::Acquire)
    }

    /// Returns as much of that as is written down.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Returns the seq to write, when it is another than what was written.
    pub(super) fn moved(&self) -> Option<u64> {
        let seq = self.get();
        (seq != self.written()).then_some(seq)
    }

    /// Notes how far the webhook is; returns whether that is news.
    pub(super) fn set(&self, seq: u64) -> bool {
        self.known.swap(seq, Ordering::AcqRel) != seq
    }

    /// Notes how much of that is written down.
    pub(super) fn set_written(&self, seq: u64) {
        self.written.store(seq, Ordering::Release);
    }
}
