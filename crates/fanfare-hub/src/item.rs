//! Items: what a subscription has for its outlet.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::Event;
use fanfare_core::notice::Notice;
use fanfare_core::wire::Wire;
use fanfare_core::wire::payload::Payload;

use crate::block::{Block, Cut};

/// Something to be sent.
#[derive(Debug, Clone)]
pub enum Item {
    /// Events.
    Events(Run),
    /// A notice.
    Notice(Notice),
}

/// Consecutive events of a block.
#[derive(Debug, Clone)]
pub struct Run {
    pub(super) block: Arc<Block>,
    pub(super) range: Range<usize>,
    /// The feed's ordinal of the block's first event; `None` for a page from the store.
    pub(super) first_ordinal: Option<u64>,
}

impl Item {
    /// Gives the bytes in `wire`.
    pub fn bytes(&self, wire: Wire) -> Bytes {
        match self {
            Item::Events(run) => run.block.bytes(wire, run.range.clone()),
            Item::Notice(notice) => {
                let mut bytes = Vec::new();
                wire.write_notice(notice, &mut bytes);
                bytes.into()
            }
        }
    }

    /// Gives the events.
    pub fn events(&self) -> &[Arc<Event>] {
        match self {
            Item::Events(run) => &run.block.events()[run.range.clone()],
            Item::Notice(_) => &[],
        }
    }

    /// Gives the body of the event at `index` among [`Item::events`] as a webhook gets it.
    pub fn payload(&self, payload: Payload, index: usize) -> Option<Bytes> {
        match self {
            Item::Events(run) => Some(run.block.payload(payload, run.range.start + index)),
            Item::Notice(_) => None,
        }
    }

    /// Counts the events.
    pub fn len(&self) -> usize {
        match self {
            Item::Events(run) => run.range.len(),
            Item::Notice(_) => 0,
        }
    }

    /// Says whether there are no events in it: it is a notice.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Says which of its events the first `len` of its bytes touch; `len` is above 0.
    pub fn cut(&self, wire: Wire, len: usize) -> Cut {
        match self {
            Item::Events(run) => run.block.cut(wire, run.range.start, len),
            Item::Notice(_) => Cut { events: 0, end: self.bytes(wire).len() },
        }
    }
}
