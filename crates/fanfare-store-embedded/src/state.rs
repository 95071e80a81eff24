//! What the writer knows of the file: it is ahead of what others see until a transaction is committed.

use std::sync::Arc;

use fanfare_core::Timestamp;
use rusqlite::Connection;

use crate::channels::Channels;
use crate::group::{Effect, Tail};
use crate::shared::Shared;
use fanfare_store::registry::Registry;
use fanfare_store::settlement::Settlement;
use fanfare_store::{Batch, Clock, Retention};

/// The file, and what the writer knows of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) shared: Arc<Shared>,
    pub(super) conn: Connection,
    pub(super) channels: Channels,
    pub(super) webhooks: Registry,
    /// Which appends happened. In memory alone: who asks is in this process, and what it had asked for ended with it.
    pub(super) settlement: Settlement,
    pub(super) tail: Tail,
    /// How many idempotency keys there are.
    pub(super) keys: usize,
    /// How many attempts there are.
    pub(super) attempts: u64,
    pub(super) retention: Retention,
    pub(super) clock: Clock,
}

impl State {
    /// Returns the moment, which is never before the log's last event.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().max(self.tail.timestamp)
    }

    /// Lets everybody see what was committed; returns the events among it, for those who follow.
    pub(super) fn publish(&mut self, effect: Effect) -> Option<Batch> {
        self.tail = effect.tail;
        self.keys += effect.keys;
        self.attempts += effect.attempts;
        if !effect.channels.is_empty() {
            self.shared.channels_mut().update(&self.channels, &effect.channels);
        }
        if !effect.readers.is_empty() {
            let mut readers = self.shared.readers_mut();
            for (name, row) in effect.readers {
                match row {
                    Some(row) => readers.insert(name, row),
                    None => readers.remove(&name),
                };
            }
        }
        if !effect.webhooks.is_empty() {
            self.shared.webhooks_mut().copy_from(&self.webhooks, effect.webhooks.keys().copied());
        }
        effect.made.into_iter().for_each(|made| self.settlement.note(made));
        effect.given_up.into_iter().for_each(|id| self.settlement.give_up(id));
        if effect.is_list_changed {
            self.shared.count_revision();
        }
        if effect.batch.is_empty() {
            return None;
        }
        self.shared.set_last(self.tail.seq);
        Some(effect.batch.into())
    }

    /// Forgets what a transaction changed that was not committed.
    pub(super) fn revert(&mut self, effect: &Effect) {
        self.channels.revert(&self.shared.channels(), &effect.channels);
        self.webhooks.copy_from(&self.shared.webhooks(), effect.webhooks.keys().copied());
    }
}
