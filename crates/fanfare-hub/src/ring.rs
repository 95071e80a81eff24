//! The ring of a feed: its newest blocks.

use std::collections::VecDeque;
use std::sync::Arc;

use fanfare_core::Epoch;

use crate::item::Block;

/// Maximum events in a feed's ring. A subscriber that is further behind reads from the store.
const RING_LEN_MAX: u64 = 4_096;
/// Maximum bytes (`Event::stored_len`) in a feed's ring, unless they are one block.
const STORED_LEN_MAX: u64 = 2 * 1024 * 1024;

/// The newest blocks of a feed.
#[derive(Debug)]
pub(crate) struct Ring {
    /// The blocks, oldest first, each with the ordinal of its first event.
    pub(crate) blocks: VecDeque<(u64, Arc<Block>)>,
    /// The epoch of their events.
    pub(crate) epoch: Epoch,
    /// The seq after which every event (up to the hub's head) that passes the filter is in the ring.
    pub(crate) floor: u64,
    pub(crate) next_ordinal: u64,
    pub(crate) len: u64,
    pub(crate) bytes: u64,
}

impl Ring {
    /// Appends a block.
    pub(crate) fn push(&mut self, block: Arc<Block>) {
        self.len += block.events().len() as u64;
        self.bytes += bytes(&block);
        let first = self.next_ordinal;
        self.next_ordinal += block.events().len() as u64;
        self.blocks.push_back((first, block));
        while self.blocks.len() > 1 && (self.len > RING_LEN_MAX || self.bytes > STORED_LEN_MAX) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some((_, oldest)) = self.blocks.pop_front() {
            self.len -= oldest.events().len() as u64;
            self.bytes -= bytes(&oldest);
            self.floor = oldest.last_seq();
        }
    }

    /// Returns the bytes that its blocks hold, encoded ones included.
    pub(crate) fn bytes_held(&self) -> usize {
        self.blocks.iter().map(|(_, block)| block.bytes_held()).sum()
    }

    /// Drops the oldest blocks until the rest holds at most `bytes_max`.
    pub(crate) fn shrink(&mut self, bytes_max: usize) {
        let mut held = self.bytes_held();
        // The newest block as well: a subscriber that has not got it reads the store.
        while held > bytes_max
            && let Some((_, oldest)) = self.blocks.front()
        {
            held -= oldest.bytes_held();
            self.pop();
        }
    }
}

fn bytes(block: &Block) -> u64 {
    block.events().iter().map(|event| event.stored_len()).sum()
}
