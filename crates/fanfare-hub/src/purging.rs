//! Purging: removes events that must no longer be readable from the store and from memory.

use fanfare_core::{Channel, Event, Position, Principal};
use tokio::sync::watch;

use crate::Hub;
use fanfare_store as store;
use fanfare_store::{Purge, Purged};

/// Maximum times that the row of a channel is read again because the channel was pushed to meanwhile. After as many, it
/// keeps its former count: better than one that lacks an event.
const RESTATE_TRIES_MAX: usize = 100;

/// A purge in progress. Whether it succeeds, fails or is abandoned by its caller, the events that it may have
/// purged are dropped from memory.
struct Erasure<'a> {
    hub: &'a Hub,
    purge: &'a Purge,
    /// The last seq before it began.
    last: u64,
    /// Whether there was nothing to purge: whoever holds events need not look for what is gone.
    is_empty: bool,
}

impl Drop for Erasure<'_> {
    fn drop(&mut self) {
        if self.is_empty {
            return;
        }
        self.hub.feeds().drop_events(|event: &Event| match self.purge {
            Purge::Channel(channel) => event.channel == *channel && event.position.seq <= self.last,
            // After a restore, a position of the earlier log can name it.
            Purge::Event(position) => event.position.seq == position.seq,
        });
        self.hub.shared.purges.send_modify(|count| *count += 1);
    }
}

impl Hub {
    /// Purges the events that `purge` selects. Afterwards, nobody is sent them, except by an outlet that is
    /// already sending them. Returns nothing if there are none.
    pub async fn purge(&self, by: &Principal, purge: &Purge) -> Result<Option<Purged>, store::Error> {
        // Events that arrive during the purge are not part of it.
        let last = self.extent().last;
        let mut erasure = Erasure { hub: self, purge, last, is_empty: false };
        let purged = self.shared.store.purge(purge).await?;
        erasure.is_empty = purged.is_none();
        // The follower may still hold one that was appended just before.
        self.caught_up().await?;
        drop(erasure);
        if let Purge::Channel(channel) = purge {
            self.restate_channel(channel).await?;
        }
        if let Some(purged) = purged {
            self.log_purge(by, purge, purged);
        }
        Ok(purged)
    }

    /// Returns the number of purges.
    pub fn purge_count(&self) -> u64 {
        *self.shared.purges.borrow()
    }

    /// Returns the number of purges, as a receiver that is notified of each.
    pub fn purges(&self) -> watch::Receiver<u64> {
        self.shared.purges.subscribe()
    }

    /// Returns whether this event, which was in the log, was purged.
    pub async fn is_purged(&self, by: &Principal, event: Position) -> Result<bool, store::Error> {
        match self.event(by, event).await {
            Err(store::Error::Purged { .. }) => Ok(true),
            Ok(_) | Err(store::Error::Damaged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Updates a channel to match the store.
    async fn restate_channel(&self, channel: &Channel) -> Result<(), store::Error> {
        for _ in 0..RESTATE_TRIES_MAX {
            let seen = self.extent().last;
            let rows = self.log().channels().await?;
            let row = rows.into_iter().find(|row| row.channel == *channel);
            let mut is_done = false;
            self.change_channels(|channels| is_done = channels.restate(channel, row, seen));
            if is_done {
                break;
            }
        }
        Ok(())
    }

    fn log_purge(&self, by: &Principal, purge: &Purge, purged: Purged) {
        let Purged { events, deliveries, attempts, .. } = purged;
        match purge {
            Purge::Channel(channel) => tracing::info!(
                by = %by.name(), %channel, events, deliveries, attempts, "purged channel `{channel}`"
            ),
            Purge::Event(event) => {
                tracing::info!(by = %by.name(), %event, events, deliveries, attempts, "redacted event `{event}`");
            }
        }
    }
}
