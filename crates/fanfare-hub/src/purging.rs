//! Purging: removes events that must no longer be readable from the store and from memory.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::refusal::Refusal;
use fanfare_core::{Code, Principal};

use crate::Hub;
use crate::purges::{PURGES_MAX, Purges};
use fanfare_store as store;
use fanfare_store::{Purge, Purged, Scope};

/// The reason why events may not be purged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PurgeError {
    /// Too many purges have to be remembered for attempts that have not ended. Nothing was purged.
    #[error("{PURGES_MAX} purges are remembered for webhook attempts that have not ended")]
    TooMany,
    /// The store failed: some of it may be purged.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<PurgeError> for Refusal {
    fn from(refused: PurgeError) -> Refusal {
        /// Time after which the attempts in progress have ended: each may take ten seconds.
        const LATER: Duration = Duration::from_secs(10);
        const AGAIN: &str = "repeat the request until it succeeds";
        match refused {
            PurgeError::TooMany => Refusal::new(
                Code::RateLimited,
                format!(
                    "{PURGES_MAX} purges came before webhook attempts in progress ended; nothing was purged"
                ),
                "try again when they have ended; to erase many events of one channel, purge the channel",
            )
            .over("purges", LATER),
            PurgeError::Store(store::Error::DiskFull { .. }) => Refusal::new(
                Code::StoreFailed,
                "the gateway's disk is full; the disk may still have some of what was to be purged",
                format!("{AGAIN}; the operator must free some space first"),
            ),
            PurgeError::Store(error @ store::Error::Other { .. }) => {
                // The engine's words are for the operator.
                tracing::error!(%error, "a purge failed");
                Refusal::new(
                    Code::StoreFailed,
                    "the store failed; it may still have some of what was to be purged",
                    format!("{AGAIN}; the cause is in the gateway's server log"),
                )
            }
            PurgeError::Store(error) => error.into(),
        }
    }
}

/// A purge in progress. Whether it succeeds, fails or is abandoned by its caller, the events that it may have
/// purged are dropped from memory.
struct Erasure<'a> {
    hub: &'a Hub,
    number: u64,
    scope: Scope,
    /// Whether nothing was purged, so memory has no copies to drop.
    is_empty: bool,
    /// Whether deliveries may have been removed.
    took_deliveries: bool,
}

impl Drop for Erasure<'_> {
    fn drop(&mut self) {
        if !self.is_empty {
            self.hub.feeds().drop_events(|event| self.scope.selects(event));
        }
        self.hub.shared.purges.end(self.number, self.took_deliveries);
    }
}

impl Hub {
    /// Purges the events that `purge` selects. Afterwards, nobody is sent them, except by an outlet that is
    /// already sending them. Returns nothing if there are none.
    pub async fn purge(&self, by: &Principal, purge: &Purge) -> Result<Option<Purged>, PurgeError> {
        // Events that arrive during the purge are not part of it.
        let begun = self.shared.purges.begin(purge, self.log()).await;
        let (number, scope) = begun.ok_or(PurgeError::TooMany)?;
        let mut erasure = Erasure { hub: self, number, scope, is_empty: false, took_deliveries: true };
        let store = &self.shared.store;
        let of_log = store.log.purge(&erasure.scope).await?;
        // The follower may still hold one that was appended just before.
        self.caught_up().await?;
        if let (Purge::Channel(channel), Some(of_log)) = (purge, of_log) {
            self.change_channels(|channels| channels.uncount(channel, of_log.uncounted));
        }
        // After the log: what retention moves from there meanwhile is found beside it.
        let of_ledger = store.ledger.purge(&erasure.scope).await?;
        let purged = Purged::whole(of_log, of_ledger);
        erasure.is_empty = purged.is_none();
        erasure.took_deliveries = purged.is_some_and(|purged| purged.deliveries > 0);
        drop(erasure);
        if let Some(purged) = purged {
            self.log_purge(by, purge, purged);
        }
        Ok(purged)
    }

    /// Returns the purges that must be looked at before something about an event is recorded.
    pub fn purges(&self) -> &Arc<Purges> {
        &self.shared.purges
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
