//! Sending: how far the bytes of a subscription have been written, also in the middle of an event.
//!
//! An outlet whose client does not read keeps nothing but a place: the next event, and how many of its bytes were sent.
//! When the client goes on, the event is read again, from the ring or from the store, and the rest follows.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use fanfare_core::{Caller, Position};

use crate::backlog::Backlog;
use crate::item::{Item, Run, Wire};
use crate::subscription::{Peek, Subscription};
use fanfare_runtime::budget::Account;

/// An event that was sent in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Partial {
    /// The event.
    position: Position,
    /// The number of its bytes that were sent.
    sent: usize,
}

impl Subscription {
    /// Returns the bytes of `item` that were not sent yet. All items come from one [`Subscription::peek`].
    pub fn unsent(&self, item: &Item, wire: Wire) -> Bytes {
        item.bytes(wire).slice(self.sent_of(item)..)
    }

    /// Records that `len` more bytes of `items` were sent, in the order of [`Subscription::peek`]. Returns the rest of a
    /// notice that was sent in part; the outlet has to keep it, and to send it before anything else.
    pub fn sent(&mut self, items: &[Item], wire: Wire, len: usize) -> Option<Bytes> {
        let mut left = len;
        for item in items {
            let unsent = item.byte_len(wire) - self.sent_of(item);
            if left < unsent {
                return if left > 0 { self.sent_in_part(item, wire, left) } else { None };
            }
            left -= unsent;
            self.partial = None;
            self.advance(item, item.len());
        }
        None
    }

    /// Records that `len` more bytes of `item` were sent, which are not all of it; returns the rest of a notice.
    fn sent_in_part(&mut self, item: &Item, wire: Wire, len: usize) -> Option<Bytes> {
        let Item::Events(run) = item else {
            self.advance(item, 0);
            return Some(item.bytes(wire).slice(len..));
        };
        let cut = run.block.cut(wire, run.range.start, self.sent_of(item) + len);
        self.advance(item, cut.events);
        let index = run.range.start + cut.events;
        let position = run.block.events()[index].position;
        self.partial = (cut.rest > 0).then_some(Partial { position, sent: cut.rest });
        if self.partial.is_some() {
            // Past those before it that have expired, or that a later one replaces.
            self.client.seq.store(position.seq - 1, Ordering::Relaxed);
            if let Some(first_ordinal) = run.first_ordinal {
                self.client.ordinal.store(first_ordinal + index as u64, Ordering::Relaxed);
            }
        }
        None
    }

    /// Returns whether an event was sent in part: nothing but its rest can be sent to this client.
    pub fn is_within_event(&self) -> bool {
        self.partial.is_some()
    }

    /// Returns whether this subscriber reads from the store, and those of its caller have read so much that it should keep
    /// nothing of it while it waits.
    pub fn has_too_many_pages(&self) -> bool {
        self.backlog.as_ref().is_some_and(|backlog| backlog.has_too_many_pages())
    }

    /// Lets go of the page that was read from the store if its caller has too many: call it when the client does not
    /// take any more. The page is read again when the client does.
    pub fn let_go(&mut self) {
        if self.has_too_many_pages() {
            self.forget_page();
        }
    }

    /// Drops the page that was read from the store. It is read again when the subscriber continues.
    pub fn forget_page(&mut self) {
        if let Some(backlog) = &mut self.backlog {
            backlog.forget_page();
        }
    }

    /// Returns the account on which the pages of its caller count.
    pub fn account(&self) -> Account {
        let caller = Caller::new(&self.client.principal, self.client.address);
        self.hub.budget().account(&caller)
    }

    /// Reads from the store from now on.
    pub(super) fn fall_behind(&mut self) {
        self.backlog = None;
        self.backlog();
    }

    /// Returns the backlog; an empty one if the subscriber was not behind.
    pub(super) fn backlog(&mut self) -> &mut Backlog {
        let account = self.account();
        self.backlog.get_or_insert_with(|| Backlog::new(account))
    }

    /// Looks for the event that was sent in part, and nothing else. It is there unless it expired or was removed.
    pub(super) fn peek_rest(&mut self, items: &mut Vec<Item>) -> Peek {
        // A notice says that it is gone.
        if !self.notices.is_empty() {
            return Peek::Torn;
        }
        if self.backlog.is_some() {
            if self.peek_page(items) == Peek::Behind {
                return Peek::Behind;
            }
        } else {
            let ordinal = self.client.ordinal.load(Ordering::Relaxed);
            if self.take_from_ring(ordinal, items).is_none() {
                return Peek::Behind;
            }
        }
        items.truncate(1);
        match &mut items[..] {
            [Item::Events(Run { range, .. })] => range.end = range.start + 1,
            _ => return Peek::Torn,
        }
        if self.sent_of(&items[0]) > 0 { Peek::Items } else { Peek::Torn }
    }

    /// Returns the number of bytes of `item` that were sent.
    fn sent_of(&self, item: &Item) -> usize {
        let is_of =
            |partial: &Partial| item.events().first().is_some_and(|event| event.position == partial.position);
        self.partial.filter(is_of).map_or(0, |partial| partial.sent)
    }
}
