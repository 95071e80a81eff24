//! Where a worker is in the log: the events that come next, those that wait for a batch, and those that are not done.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::wire::payload::{Batch, Payload};
use fanfare_core::{Epoch, Event, Position, Priority};
use fanfare_webhook::limits::BATCH_EVENTS_MAX;
use fanfare_webhook::options::BatchOptions;
use tokio::time::Instant;

use crate::webhook::Webhook;
use crate::window::Window;
use crate::worker::ahead::Ahead;
use crate::worker::intake::Intake;
use crate::worker::source::{Envelope, Ready, Source};
use fanfare_hub::Hub;
use fanfare_hub::purges::Mark;
use fanfare_runtime::budget::Cache;
use fanfare_store as store;
use fanfare_store::webhooks::BatchSpan;

/// The place of one worker in the log.
#[derive(Debug)]
pub(super) struct Reading {
    source: Source,
    /// The log that is read.
    epoch: Epoch,
    window: Window,
    /// The events that wait for others to form a batch.
    gathered: Intake,
    /// The events that were read early, so that the important can be sent first.
    ahead: Ahead,
    /// The events after the cursor that must not be sent from the log: see [`again::settled`](super::again::settled), and
    /// those that were sent before others that come first in the log.
    settled: BTreeSet<u64>,
}

/// The condition that new events wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Nothing: they may be sent.
    Nothing,
    /// More events; if some wait for others to form a batch, until this time.
    Events(Option<Instant>),
}

/// Events that were taken to be sent as one batch.
#[derive(Debug)]
pub(super) struct Batched {
    pub(super) events: Vec<Arc<Event>>,
    /// The batch; `None` if it has one event.
    pub(super) span: Option<BatchSpan>,
    pub(super) body: Bytes,
}

impl Reading {
    /// Opens the log for `webhook` after `cursor`. The batches in `begun` are sent again as they were.
    pub(super) async fn open(
        hub: &Hub,
        webhook: &Webhook,
        cursor: Position,
        begun: &[(Epoch, BatchSpan)],
        settled: BTreeSet<u64>,
    ) -> Result<Reading, store::Error> {
        Ok(Reading {
            source: source(hub, webhook, cursor).await?,
            epoch: cursor.epoch,
            window: Window::new(cursor.seq),
            gathered: Intake::making_again(begun, cursor),
            ahead: Ahead::default(),
            settled,
        })
    }

    /// Reads the unread part of the log with the filter that `webhook` has now.
    pub(super) async fn filter_anew(&mut self, hub: &Hub, webhook: &Webhook) -> Result<(), store::Error> {
        self.go_back(hub, webhook).await
    }

    /// Drops what was read ahead, and reads it again.
    pub(super) async fn go_back(&mut self, hub: &Hub, webhook: &Webhook) -> Result<(), store::Error> {
        let after = self.ahead.oldest().map_or(self.window.read(), |oldest| oldest - 1);
        self.source = source(hub, webhook, Position { epoch: self.epoch, seq: after }).await?;
        let Reading { window, ahead, settled, .. } = self;
        settled.extend(window.go_back(after, |seq| ahead.has(seq)));
        ahead.clear();
        Ok(())
    }

    /// Returns whether events were read ahead.
    pub(super) fn has_ahead(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Returns whether what was read ahead must be dropped, because others need the memory.
    pub(super) fn holds_too_much(&self) -> bool {
        self.has_ahead() && self.source.account().has_too_many_pages()
    }

    /// Returns whether an event is before others in the log that were not sent.
    pub(super) fn has_passed_others(&self, event: Position) -> bool {
        event.epoch == self.epoch
            && (self.ahead.oldest().is_some_and(|oldest| oldest < event.seq)
                || self.settled.contains(&event.seq))
    }

    /// Returns whether an event comes next that a person should see now.
    pub(super) fn is_urgent(&self) -> bool {
        let next = self.source.next_event().map(|event| event.priority);
        self.ahead.highest().max(next) >= Some(Priority::High)
    }

    /// Reads ahead what is at hand; returns whether there is room for more.
    pub(super) fn look_ahead(&mut self) -> bool {
        if self.source.account().has_too_many_pages() {
            return false;
        }
        while self.ahead.has_room() {
            let Some(event) = self.source.next_event().cloned() else { return true };
            self.source.pass();
            let seq = event.position.seq;
            if self.settled.contains(&seq) {
                self.window.pass(seq);
            } else {
                self.window.take(seq);
                self.ahead.push(event, &Cache::Page(self.source.account().clone()));
            }
        }
        false
    }

    /// Drops the events that were read already and purged since `mark`: those that wait to form a batch, and those that
    /// come next.
    pub(super) async fn drop_purged(
        &mut self,
        hub: &Hub,
        webhook: &Webhook,
        mark: &Mark,
    ) -> Result<(), store::Error> {
        let is_purged = |event: &Event| hub.purges().has_purged(mark, event);
        let purged = self.gathered.take(is_purged).into_iter().chain(self.ahead.take(is_purged));
        for event in purged {
            self.window.done(event.position.seq);
        }
        match self.source.has_any(is_purged) {
            true => self.filter_anew(hub, webhook).await,
            false => Ok(()),
        }
    }

    /// Waits until there are events, or will be no more. Cancelling loses nothing.
    pub(super) async fn ready(&mut self) -> Result<Ready, store::Error> {
        self.source.ready().await
    }

    /// Lets go of what was read and not taken, unless it is wanted soon and there is room for it. It is read again.
    pub(super) fn let_go(&mut self, is_wanted_soon: bool) {
        self.source.let_go(is_wanted_soon);
    }

    /// Takes the available events for the next batch; returns what the batch waits for. Adds to `expired` the events
    /// that expired while they waited.
    pub(super) fn gather(
        &mut self,
        batch: Option<BatchOptions>,
        now: Instant,
        is_expired: impl Fn(&Event) -> bool,
        expired: &mut Vec<Position>,
    ) -> Waiting {
        self.pass_what_is_not_sent(&is_expired, expired);
        let Some(batch) = batch else {
            let is_empty = self.gathered.is_empty() && self.ahead.is_empty() && !self.source.has_events();
            return if is_empty { Waiting::Events(None) } else { Waiting::Nothing };
        };
        while !self.gathered.is_full(batch) {
            let Some(event) = self.source.next_event().cloned() else { break };
            self.source.pass();
            self.window.take(event.position.seq);
            self.gathered.push(event);
            self.pass_what_is_not_sent(&is_expired, expired);
        }
        let Some(since) = self.gathered.since(now) else { return Waiting::Events(None) };
        let until = since + batch.max_wait;
        let is_ready = self.gathered.is_full(batch) || until <= now;
        if is_ready { Waiting::Nothing } else { Waiting::Events(Some(until)) }
    }

    /// Skips the events that expired while they waited, and those that were tried already.
    fn pass_what_is_not_sent(&mut self, is_expired: &impl Fn(&Event) -> bool, expired: &mut Vec<Position>) {
        while let Some(event) = self.source.next_event() {
            let position = event.position;
            let is_settled = self.settled.contains(&position.seq);
            if !is_settled && !is_expired(event) {
                break;
            }
            self.source.pass();
            self.window.pass(position.seq);
            if !is_settled {
                expired.push(position);
            }
        }
        let over = self.gathered.take(is_expired).into_iter().chain(self.ahead.take(is_expired));
        for event in over {
            self.window.done(event.position.seq);
            expired.push(event.position);
        }
    }

    /// Takes the next event: the first in the log or, `by_priority`, the most important of those that are at hand. Without
    /// `payload`, its body is empty: another one is sent.
    pub(super) fn next(&mut self, payload: Option<Payload>, by_priority: bool) -> Option<Envelope> {
        if let Some(event) = self.gathered.pop() {
            // The event was gathered while batches were still on.
            let body = payload.map(|payload| payload.body(&event)).unwrap_or_default().into();
            return Some(Envelope { event, body });
        }
        if by_priority && (self.has_ahead() || self.source.is_mixed()) {
            self.look_ahead();
        }
        if let Some(event) = self.ahead.take_next() {
            let body = payload.map(|payload| payload.body(&event)).unwrap_or_default().into();
            return Some(Envelope { event, body });
        }
        let envelope = self.source.take(payload)?;
        self.window.take(envelope.event.position.seq);
        Some(envelope)
    }

    /// Takes the next batch of at most `events_max` events; one that was begun before is the same again.
    pub(super) fn next_batch(&mut self, payload: Payload, events_max: u32) -> Option<Batched> {
        let again = self.gathered.next_span();
        let events_max = if again.is_some() { BATCH_EVENTS_MAX } else { events_max };
        let mut batch = Batch::new(payload, events_max as usize);
        let mut events = Vec::new();
        while let Some(event) = self.gathered.next() {
            let is_behind = again.is_some_and(|span| span.last < event.position.seq);
            if is_behind || !batch.push(event) {
                break;
            }
            events.extend(self.gathered.pop());
        }
        let span = BatchSpan { first: events.first()?.position.seq, last: events.last()?.position.seq };
        let span = again.unwrap_or(span);
        let span = (span.first != span.last).then_some(span);
        Some(Batched { events, span, body: batch.finish().into() })
    }

    /// Records that an attempt at `event` has ended; one of an earlier log does not count.
    pub(super) fn done(&mut self, event: Position) {
        if event.epoch == self.epoch {
            self.window.done(event.seq);
        }
    }

    /// Takes the position up to which events were gone before they were sent.
    pub(super) fn take_lost(&mut self) -> Option<Position> {
        self.source.take_lost()
    }

    /// Returns the position up to which every event is done or does not match.
    pub(super) fn position(&mut self) -> Position {
        if !self.source.has_events() {
            let settled = self.source.settle();
            if settled.epoch == self.epoch {
                self.window.pass(settled.seq);
            }
        }
        let cursor = self.window.cursor();
        while self.settled.first().is_some_and(|seq| *seq <= cursor) {
            self.settled.pop_first();
        }
        Position { epoch: self.epoch, seq: cursor }
    }
}

async fn source(hub: &Hub, webhook: &Webhook, after: Position) -> Result<Source, store::Error> {
    Source::open(hub, &webhook.owner.principal(), &webhook.options, after).await
}
