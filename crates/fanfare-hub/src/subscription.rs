//! Subscriptions: cursors on the log.
//!
//! A subscription reads from its feed's ring while it is near the end, and from the store when it is behind. It hands
//! out items without moving ([`Subscription::peek`]) and moves when the outlet reports what was sent
//! ([`Subscription::advance`], or [`Subscription::sent`] in bytes), so that a socket that accepts half a batch needs no
//! buffer.

mod overlooked;
mod replay;
mod sending;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fanfare_core::conflate;
use fanfare_core::notice::{ClosingReason, Notice, ResetReason};
use fanfare_core::position::{Epoch, Position};

use crate::Hub;
use crate::backlog::Backlog;
use crate::client::{Client, ClientState, NOT_LIVE};
use crate::item::{Item, Run};
use crate::subscription::sending::Partial;
use fanfare_store as store;

/// Maximum blocks that one [`Subscription::peek`] returns: one `writev`.
const PEEK_BLOCKS_MAX: usize = 32;

/// A cursor on the log, for one subscriber.
pub struct Subscription {
    hub: Hub,
    client: Arc<Client>,
    /// The log that is read.
    epoch: Epoch,
    conflate: bool,
    /// Whether the least important events are skipped while the subscriber is behind the ring.
    shed: bool,
    /// The seq up to which the subscriber was told what was skipped.
    shed_up_to: u64,
    /// How many of the events that retention removed the subscriber need not be told of: it was, or it did not ask for
    /// them.
    told: u64,
    /// The notices to send before the next event.
    notices: VecDeque<Notice>,
    /// The backlog, while the subscriber is behind the ring.
    backlog: Option<Box<Backlog>>,
    /// The event that comes next, if a part of it was sent.
    partial: Option<Partial>,
    replay: Replay,
    closing: Closing,
}

/// The state of a replay whose end has to be announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replay {
    /// There is nothing to announce.
    Done,
    /// The end is announced when the feed reaches this ordinal.
    EndsAt(u64),
    /// The replay still reads from the store.
    Running,
}

/// Whether the subscriber was told that the subscription ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    Open,
    AckSignal,
}

/// The result of [`Subscription::peek`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peek {
    /// The subscriber is behind the ring: call [`Subscription::read_back`].
    Behind,
    /// The subscription ends and the subscriber was told so: nothing follows.
    Ended,
    /// There is nothing to send: wait for the feed.
    Idle,
    /// There are items.
    Items,
    /// The rest of an event that was sent in part is gone: nothing can follow, and the client has to connect again.
    Torn,
}

impl Subscription {
    /// Creates a subscription that starts at the client's position, which the caller knows to be at most the hub's head.
    /// It does not report the first `told` events that retention removed.
    pub(super) fn new(hub: Hub, client: Arc<Client>, told: u64, conflate: bool, shed: bool) -> Subscription {
        Subscription {
            hub,
            epoch: client.position().epoch,
            client,
            partial: None,
            conflate,
            shed,
            shed_up_to: 0,
            told,
            notices: VecDeque::new(),
            backlog: None,
            replay: Replay::Done,
            closing: Closing::Open,
        }
    }

    /// Continues with the events after the client's seq, from the ring if it holds them all.
    pub(super) fn replay(&mut self) {
        self.replay = Replay::Running;
        if !self.try_live() {
            self.fall_behind();
        }
    }

    /// Adds a notice, which the subscriber gets before the next event.
    pub(super) fn tell(&mut self, notice: Notice) {
        self.notices.push_back(notice);
    }

    /// Continues with live events, after a notice that says why the client's position could not be used.
    pub(super) fn reset(&mut self, reason: ResetReason) {
        let position = self.position();
        self.notices.push_back(Notice::Reset { reason, position });
        self.go_live();
    }

    /// Continues with the events after the client's seq, after a notice that says why that is not where it was.
    pub(super) fn reset_and_replay(&mut self, reason: ResetReason) {
        let position = self.position();
        self.notices.push_back(Notice::Reset { reason, position });
        self.replay();
    }

    /// Continues with live events.
    pub(super) fn go_live(&mut self) {
        if !self.try_live() {
            self.fall_behind();
        }
    }

    /// Returns the hub that the subscription reads from.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Returns the client that others see.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Returns the position up to which every event was sent or did not pass the filter.
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.client.seq() }
    }

    /// Returns whether there is nothing to send, without taking a lock.
    pub fn is_idle(&self) -> bool {
        self.is_at_end() && self.end().is_none()
    }

    /// Returns why nothing more is sent, if the subscription has to end.
    fn end(&self) -> Option<ClosingReason> {
        match (self.client.is_dismissed(), self.hub.is_closing()) {
            (true, _) => Some(ClosingReason::Disconnected),
            (false, true) => Some(ClosingReason::Shutdown),
            (false, false) => None,
        }
    }

    fn is_at_end(&self) -> bool {
        self.notices.is_empty()
            && self.replay == Replay::Done
            && self.client.ordinal.load(Ordering::Relaxed) == self.client.feed.end()
    }

    /// Returns the next items to send, without moving. Never waits.
    pub fn peek(&mut self, items: &mut Vec<Item>) -> Peek {
        items.clear();
        if self.partial.is_some() {
            return self.peek_rest(items);
        }
        if let Some(notice) = self.notices.front() {
            items.push(Item::Notice(notice.clone()));
            return Peek::Items;
        }
        if self.closing == Closing::AckSignal {
            return Peek::Ended;
        }
        if let Some(reason) = self.end() {
            items.push(Item::Notice(Notice::Closing { reason, retry_ms: self.hub.retry_ms() }));
            return Peek::Items;
        }
        if self.backlog.is_some() { self.peek_page(items) } else { self.peek_ring(items) }
    }

    fn peek_page(&self, items: &mut Vec<Item>) -> Peek {
        let page = self.backlog.as_ref().and_then(|backlog| backlog.page.as_ref());
        let Some((block, next, _)) = page else { return Peek::Behind };
        let range = *next..block.events().len();
        items.push(Item::Events(Run { block: Arc::clone(block), range, first_ordinal: None }));
        Peek::Items
    }

    fn peek_ring(&mut self, items: &mut Vec<Item>) -> Peek {
        let ordinal = self.client.ordinal.load(Ordering::Relaxed);
        if let Replay::EndsAt(end) = self.replay
            && ordinal >= end
        {
            self.replay = Replay::Done;
            let position = self.position();
            self.notices.push_back(Notice::CaughtUp { position });
            items.push(Item::Notice(Notice::CaughtUp { position }));
            return Peek::Items;
        }
        if ordinal == self.client.feed.end() {
            return Peek::Idle;
        }
        let Some(first_ordinal) = self.take_from_ring(ordinal, items) else { return Peek::Behind };
        if self.conflate
            || items.iter().any(|item| matches!(item, Item::Events(run) if run.block.can_expire()))
        {
            self.thin_out(items, first_ordinal);
        }
        // All of them have expired and the cursor is past them: there may be more, or the end of a replay.
        if items.is_empty() { self.peek_ring(items) } else { Peek::Items }
    }

    /// Adds the items of the ring from `ordinal` on, and returns the ordinal after the last one. If the ring has no longer
    /// what comes next, the subscriber is behind.
    fn take_from_ring(&mut self, ordinal: u64, items: &mut Vec<Item>) -> Option<u64> {
        let mut blocks = Vec::new();
        if self.client.feed.from(ordinal, PEEK_BLOCKS_MAX, &mut blocks).is_err() {
            self.client.ordinal.store(NOT_LIVE, Ordering::Relaxed);
            self.client.set_state(ClientState::Replaying);
            self.fall_behind();
            return None;
        }
        let mut first_ordinal = ordinal;
        for (block, skipped) in blocks {
            first_ordinal -= skipped as u64;
            let range = skipped..block.events().len();
            let len = block.events().len() as u64;
            items.push(Item::Events(Run { block, range, first_ordinal: Some(first_ordinal) }));
            first_ordinal += len;
        }
        Some(first_ordinal)
    }

    /// Drops expired events and, for a subscriber that conflates, those that a later event replaces. `end` is the
    /// ordinal after the last item.
    fn thin_out(&mut self, items: &mut Vec<Item>, end: u64) {
        let now = self.hub.log_time();
        let runs: Vec<Run> = items
            .drain(..)
            .filter_map(|item| match item {
                Item::Events(run) => Some(run),
                Item::Notice(_) => None,
            })
            .collect();
        let events = runs.iter().flat_map(|run| &run.block.events()[run.range.clone()]);
        let newest = self.conflate.then(|| conflate::keep(events.map(|event| &**event)));
        let mut nth = 0;
        for run in &runs {
            for index in run.range.clone() {
                let kept = newest.as_ref().is_none_or(|newest| newest[nth]);
                nth += 1;
                if !kept || run.block.events()[index].is_expired(now) {
                    continue;
                }
                match items.last_mut() {
                    Some(Item::Events(last))
                        if Arc::ptr_eq(&last.block, &run.block) && last.range.end == index =>
                    {
                        last.range.end += 1;
                    }
                    _ => items.push(Item::Events(Run { range: index..index + 1, ..run.clone() })),
                }
            }
        }
        if items.is_empty() {
            // All of them have expired: the subscriber is past them.
            if let Some(run) = runs.last() {
                self.client.seq.store(run.block.last_seq(), Ordering::Relaxed);
            }
            self.client.ordinal.store(end, Ordering::Relaxed);
        }
    }

    /// Records that the first `events` events of `item` were sent; a notice is always sent whole. Items must be given
    /// in the order of [`Subscription::peek`].
    pub fn advance(&mut self, item: &Item, events: usize) {
        let run = match item {
            Item::Notice(Notice::Closing { .. }) => {
                self.closing = Closing::AckSignal;
                return;
            }
            Item::Notice(_) => {
                self.notices.pop_front();
                return;
            }
            Item::Events(run) => run,
        };
        if events == 0 {
            return;
        }
        let next = run.range.start + events;
        self.client.seq.store(run.block.events()[next - 1].position.seq, Ordering::Relaxed);
        if let Some(first_ordinal) = run.first_ordinal {
            self.client.ordinal.store(first_ordinal + next as u64, Ordering::Relaxed);
        } else if let Some(backlog) = &mut self.backlog
            && let Some((block, index, covered)) = &mut backlog.page
        {
            *index = next;
            if next == block.events().len() {
                self.client.seq.store(*covered, Ordering::Relaxed);
                backlog.page = None;
                self.try_live();
            }
        }
    }

    /// Skips everything up to now, for an outlet that only reports that something has changed, and returns the seq up
    /// to which it had reported. Later events are in the ring.
    pub fn skip(&mut self) -> u64 {
        let feeds = self.hub.feeds();
        // Both are read while nobody appends to the ring: an event between them would be lost.
        let (head, ordinal) = (feeds.head(), self.client.feed.end());
        self.backlog = None;
        self.replay = Replay::Done;
        let before = match head.epoch == self.epoch {
            true => self.client.seq(),
            false => self.hub.extent().resume(self.position()),
        };
        self.epoch = head.epoch;
        self.client.go_to(head);
        self.client.ordinal.store(ordinal, Ordering::Relaxed);
        self.client.set_state(ClientState::Live);
        drop(feeds);
        before
    }

    /// Skips events that did not pass the filter if nothing else is left, and returns the position from which a later
    /// subscription with this filter misses nothing.
    pub fn settle(&mut self) -> Position {
        // Everything up to the head was put into the ring before: if the ring has nothing after this look, the log has
        // nothing up to there either.
        let head = self.hub.head();
        if head.epoch == self.epoch && self.is_at_end() {
            self.client.seq.fetch_max(head.seq, Ordering::Relaxed);
        }
        self.position()
    }

    /// Records that the socket stopped accepting bytes, or accepts them again, for others to see.
    pub fn set_stalled(&self, stalled: bool) {
        self.client.set_state(match (stalled, &self.backlog) {
            (true, _) => ClientState::Stalled,
            (false, Some(_)) => ClientState::Replaying,
            (false, None) => ClientState::Live,
        });
    }

    /// Waits until there are items, reading back from the store where needed; `false` if nothing follows. Cancelling
    /// loses nothing.
    pub async fn ready(&mut self, items: &mut Vec<Item>) -> Result<bool, store::Error> {
        loop {
            match self.peek(items) {
                Peek::Items => return Ok(true),
                Peek::Ended | Peek::Torn => return Ok(false),
                Peek::Behind => {
                    self.read_back().await?;
                    continue;
                }
                Peek::Idle => {}
            }
            let feed = Arc::clone(&self.client.feed);
            let appended = feed.appended().notified();
            tokio::pin!(appended);
            // An append between the look and the wait must not be missed.
            appended.as_mut().enable();
            if self.is_idle() {
                appended.await;
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.leave(&self.client);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("client", &self.client.id).finish_non_exhaustive()
    }
}
