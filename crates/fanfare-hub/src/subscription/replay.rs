//! Replaying: a subscription that is behind its feed's ring reads from the store, in the log that is the present one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fanfare_core::Event;
use fanfare_core::notice::{GapReason, Notice, ResetReason};
use fanfare_core::position::Position;

use crate::backlog;
use crate::client::ClientState;
use crate::subscription::{Replay, Subscription};
use fanfare_store as store;
use fanfare_store::Head;

impl Subscription {
    /// Switches to the ring if it holds everything after the client's seq.
    pub(super) fn try_live(&mut self) -> bool {
        let feed = &self.client.feed;
        let Some(ordinal) = feed.ordinal_after(self.position()) else { return false };
        self.backlog = None;
        if self.replay == Replay::Running {
            self.replay = Replay::EndsAt(feed.end());
        }
        self.client.ordinal.store(ordinal, Ordering::Relaxed);
        self.client.set_state(ClientState::Live);
        true
    }

    /// Goes on in the log that replaced the one of this subscription, after a notice: with everything in it that is new.
    fn change_log(&mut self, head: Head) {
        let position = Position { epoch: head.epoch, seq: head.resume(self.position()) };
        self.epoch = position.epoch;
        (self.told, self.shed_up_to) = (0, 0);
        self.client.go_to(position);
        self.client.set_state(ClientState::Replaying);
        self.fall_behind();
        self.hub.counts().resets.inc();
        self.reset_and_replay(ResetReason::AnotherEpoch);
    }

    /// Reports that up to `missed` events are gone, and goes on after `up_to`.
    fn skip_gap(&mut self, up_to: u64, missed: u64, reason: GapReason) {
        let next = Position { epoch: self.epoch, seq: up_to + 1 };
        self.notices.push_back(Notice::Gap { after: self.position(), next, missed, reason });
        let counts = self.hub.counts();
        match reason {
            GapReason::Damaged | GapReason::Purged | GapReason::Retention => counts.gaps.inc(),
            GapReason::Shed => counts.shed_events.inc_by(missed),
        };
        // The gap is reported once, even if the page is dropped and read again.
        self.client.seq.store(up_to, Ordering::Relaxed);
    }

    /// Skips the least important events of a page that covers the log up to `covered`. One notice says how many, before
    /// the first event that is left.
    fn shed_from(&mut self, events: &mut Vec<Arc<Event>>, covered: u64) {
        let told = self.shed_up_to;
        let is_shed = |event: &Arc<Event>| event.priority.is_shed();
        // A page that was dropped is read again, and its notice was sent.
        let skipped = events.iter().filter(|event| is_shed(event) && event.position.seq > told).count();
        events.retain(|event| !is_shed(event));
        self.shed_up_to = told.max(covered);
        if skipped > 0 {
            let up_to = events.first().map_or(covered, |event| event.position.seq - 1);
            self.skip_gap(up_to, skipped as u64, GapReason::Shed);
        }
    }

    /// Reads on from the store; afterwards [`Subscription::peek`] has items, or the subscriber is live. Cancelling
    /// loses nothing.
    pub async fn read_back(&mut self) -> Result<(), store::Error> {
        while !self.try_live() {
            let after = self.position();
            // Of an event that was sent in part, the rest must be there, even if a later one replaces it.
            let conflates = self.conflate && self.partial.is_none();
            let len_max = self.backlog().page_len_max();
            let filter = &self.client.feed.filter;
            let page = backlog::read_page(&self.hub, filter, after, self.told, len_max, conflates).await;
            let mut page = match page {
                Err(store::Error::EpochChanged { .. }) => {
                    let head = self.hub.caught_up().await?;
                    if head.epoch != self.epoch {
                        self.change_log(head);
                        return Ok(());
                    }
                    continue;
                }
                page => page?,
            };
            if let Some(removed) = page.removed {
                self.skip_gap(removed.up_to, removed.count, GapReason::Retention);
            }
            self.told = page.told;
            let covered = page.scanned;
            if let Some(gone) = page.gone {
                self.skip_gap(covered, gone.count, gone.reason);
            }
            // Of an event that was sent in part, the rest must be there, whatever its priority.
            if self.shed && self.partial.is_none() {
                self.shed_from(&mut page.events, covered);
            }
            if page.events.is_empty() {
                self.client.seq.store(covered, Ordering::Relaxed);
            } else {
                self.backlog().put(page.events, covered);
                return Ok(());
            }
            if !self.notices.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }
}
