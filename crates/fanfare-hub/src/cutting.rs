//! Cutting events into blocks. Feeds with the same events get the same blocks, so that a filter of its own does not cost
//! bytes of its own.

use std::collections::HashMap;
use std::sync::Arc;

use fanfare_core::Event;
use fanfare_runtime::budget::{Budget, Cache};

use crate::item::Block;

/// Maximum events in one block: a push of 10,000 must not stay in memory as a whole for one subscriber.
const BLOCK_LEN_MAX: usize = 512;
/// Maximum bytes (`Event::stored_len`) of the events in one block, unless it is one event: every subscriber that is cut
/// off in the middle of a block holds all of it.
const BLOCK_BYTES_MAX: u64 = 128 * 1024;
/// Bytes from which an event has a block of its own, which all feeds that have the event share, whatever else they have.
const LONG_EVENT_LEN: u64 = 8 * 1024;

/// The blocks that were cut for one delivery.
#[derive(Debug)]
pub(crate) struct Blocks<'a> {
    budget: &'a Budget,
    /// By the seqs of their events.
    cut: HashMap<Box<[u64]>, Arc<Block>>,
}

impl<'a> Blocks<'a> {
    pub(crate) fn new(budget: &'a Budget) -> Blocks<'a> {
        Blocks { budget, cut: HashMap::new() }
    }

    /// Cuts the events of a feed into blocks, at least one if there are any.
    pub(crate) fn cut(&mut self, events: &[Arc<Event>]) -> Vec<Arc<Block>> {
        let (mut blocks, mut start, mut bytes) = (Vec::new(), 0, 0);
        for (index, event) in events.iter().enumerate() {
            let len = event.stored_len();
            let is_long = len >= LONG_EVENT_LEN;
            if index > start && (is_long || bytes + len > BLOCK_BYTES_MAX || index - start == BLOCK_LEN_MAX) {
                blocks.push(self.block(&events[start..index]));
                (start, bytes) = (index, 0);
            }
            bytes += len;
            if is_long {
                blocks.push(self.block(&events[start..=index]));
                (start, bytes) = (index + 1, 0);
            }
        }
        if start < events.len() {
            blocks.push(self.block(&events[start..]));
        }
        blocks
    }

    fn block(&mut self, events: &[Arc<Event>]) -> Arc<Block> {
        let seqs = events.iter().map(|event| event.position.seq).collect();
        let new = || Arc::new(Block::new(events.to_vec(), Cache::Ring(self.budget.clone())));
        Arc::clone(self.cut.entry(seqs).or_insert_with(new))
    }
}
