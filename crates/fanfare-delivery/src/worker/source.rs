//! The source of a worker: the log from its cursor on, without events that are not for webhooks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanfare_core::notice::Notice;
use fanfare_core::wire::payload::Payload;
use fanfare_core::{Event, Position, Principal, Start};

use fanfare_hub::Hub;
use fanfare_hub::client::{NewClient, Transport};
use fanfare_hub::item::Item;
use fanfare_hub::subscribe::{Request, SubscribeError};
use fanfare_hub::subscription::Subscription;
use fanfare_runtime::budget::Account;
use fanfare_store as store;
use fanfare_webhook::options::Options;
use fanfare_webhook::selector::Selector;

/// A cursor on the log.
#[derive(Debug)]
pub(super) struct Source {
    subscription: Subscription,
    items: Vec<Item>,
    /// The current item, and the index of its next event.
    item: usize,
    next: usize,
    selector: Selector,
    /// The position up to which events are gone (removed by retention, purged or damaged), until the worker
    /// takes it.
    lost_up_to: Option<Position>,
    /// Whether the events that were read last have more than one priority.
    is_mixed: bool,
    /// The account on which events that are read ahead count.
    account: Account,
}

/// What a cursor waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    /// There is an event to take.
    Events,
    /// The log was replaced: the cursor is of no more use.
    LogReplaced,
    /// The gateway is stopping.
    Stopping,
}

/// An event that was taken, with its body.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) event: Arc<Event>,
    pub(super) body: Bytes,
}

impl Source {
    /// Opens a cursor of `by` after `position`.
    pub(super) async fn open(
        hub: &Hub,
        by: &Principal,
        options: &Options,
        position: Position,
    ) -> Result<Source, store::Error> {
        let client = NewClient {
            transport: Transport::Webhook,
            address: None,
            agent: None,
            reader: None,
            session: None,
        };
        let start = Start::After(position);
        let request =
            Request { filter: Some(options.filter.clone()), start, conflate: false, shed: false, client };
        let subscription = match hub.subscribe(by, request).await {
            Ok(subscription) => subscription,
            Err(SubscribeError::Store(error)) => return Err(error),
            // Not for a webhook: nobody can disconnect it, and it reads the store if its text is not searched for.
            Err(SubscribeError::Denied(_) | SubscribeError::TooManyTexts(_)) => {
                return Err(store::Error::Unavailable { retry_after: Duration::from_secs(1) });
            }
        };
        let account = subscription.account();
        Ok(Source {
            subscription,
            items: Vec::new(),
            item: 0,
            next: 0,
            selector: Selector::new(options.payload),
            lost_up_to: None,
            is_mixed: false,
            account,
        })
    }

    /// Waits until there are events, or will be no more. Cancelling loses nothing.
    pub(super) async fn ready(&mut self) -> Result<Ready, store::Error> {
        while !self.has_events() {
            self.items.clear();
            (self.item, self.next) = (0, 0);
            if !self.subscription.ready(&mut self.items).await? {
                return Ok(Ready::Stopping);
            }
            while let Some(Item::Notice(notice)) = self.items.first() {
                match notice {
                    Notice::Closing { .. } => {
                        // The item is not an event to take.
                        self.items.clear();
                        return Ok(Ready::Stopping);
                    }
                    Notice::Reset { .. } => {
                        self.items.clear();
                        return Ok(Ready::LogReplaced);
                    }
                    Notice::Gap { next, .. } => {
                        self.lost_up_to = Some(Position { seq: next.seq - 1, ..*next });
                    }
                    // Webhooks have no durable reader.
                    Notice::CaughtUp { .. } | Notice::ReaderFilter { .. } => {}
                }
                let notice = self.items.remove(0);
                self.subscription.advance(&notice, 0);
            }
            let mut priorities = self.items.iter().flat_map(Item::events).map(|event| event.priority);
            let first = priorities.next();
            self.is_mixed = priorities.any(|priority| Some(priority) != first);
            self.skip_unwanted();
        }
        Ok(Ready::Events)
    }

    /// Returns whether the events that were read last have more than one priority.
    pub(super) fn is_mixed(&self) -> bool {
        self.is_mixed
    }

    /// Returns the account on which events that are read ahead count.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// Returns `true` if there is an event to take.
    pub(super) fn has_events(&self) -> bool {
        self.item < self.items.len()
    }

    /// Returns the position up to which every event was taken or does not match; it can be in another log than the
    /// events that were taken, before [`Source::ready`] says so. Call it only when no event is waiting.
    pub(super) fn settle(&mut self) -> Position {
        self.subscription.settle()
    }

    /// Returns the next event without taking it.
    pub(super) fn next_event(&self) -> Option<&Arc<Event>> {
        self.items.get(self.item).map(|item| &item.events()[self.next])
    }

    /// Takes the next event. Without `payload`, its body is empty: another one is sent.
    pub(super) fn take(&mut self, payload: Option<Payload>) -> Option<Envelope> {
        let item = self.items.get(self.item)?;
        let event = Arc::clone(&item.events()[self.next]);
        let mut body = match payload {
            Some(payload) => item.payload(payload, self.next)?,
            None => Bytes::new(),
        };
        if self.subscription.has_too_many_pages() {
            // A part of shared bytes keeps them all.
            body = Bytes::copy_from_slice(&body);
        }
        self.pass();
        Some(Envelope { event, body })
    }

    /// Skips the next event.
    pub(super) fn pass(&mut self) {
        if let Some(item) = self.items.get(self.item) {
            self.selector.pass(&item.events()[self.next]);
        }
        self.step();
        self.skip_unwanted();
    }

    /// Lets go of what was read and not taken, unless it is wanted soon and there is room for it. It is read again.
    pub(super) fn let_go(&mut self, is_wanted_soon: bool) {
        if !is_wanted_soon || self.subscription.has_too_many_pages() {
            self.items.clear();
            (self.item, self.next) = (0, 0);
            self.subscription.let_go();
        }
    }

    /// Returns the position up to which events were gone before they were taken; each loss is returned once.
    pub(super) fn take_lost(&mut self) -> Option<Position> {
        self.lost_up_to.take()
    }

    /// Returns whether an event that was read, and not taken yet, fits `is_such`.
    pub(super) fn has_any(&self, is_such: impl Fn(&Event) -> bool) -> bool {
        let events = self.items[self.item..].iter().flat_map(|item| item.events());
        events.skip(self.next).any(|event| is_such(event))
    }

    fn step(&mut self) {
        let item = &self.items[self.item];
        self.next += 1;
        self.subscription.advance(item, self.next);
        if self.next == item.len() {
            self.item += 1;
            self.next = 0;
        }
    }

    fn skip_unwanted(&mut self) {
        while self.next_event().is_some_and(|event| !self.selector.takes(event)) {
            self.step();
        }
    }
}
