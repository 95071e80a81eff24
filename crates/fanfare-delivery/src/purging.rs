//! Purging: removes events that must no longer be readable from everything that webhooks hold.

use std::collections::HashSet;
use std::sync::PoisonError;

use fanfare_core::{Channel, Principal};

use crate::registry::Registry;
use crate::service::Webhooks;
use fanfare_store as store;
use fanfare_store::{Purge, Purged};

/// A purge in progress. However it ends, the events that it may have purged are dropped from memory.
struct Erasure<'a> {
    registry: &'a Registry,
    purge: &'a Purge,
}

impl Drop for Erasure<'_> {
    fn drop(&mut self) {
        for entry in self.registry.all() {
            let mut recent = entry.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.retain(|attempt| !attempt.may_be_of(self.purge));
        }
    }
}

impl Webhooks {
    /// Purges events, with their deliveries and attempts. Returns nothing if there are none.
    ///
    /// Each worker drops purged events before its next attempt; an attempt in progress cannot be recalled.
    pub async fn purge(&self, by: &Principal, purge: &Purge) -> Result<Option<Purged>, store::Error> {
        // Writes on their way to the ledger would otherwise arrive after the purge.
        self.parts.recorder.flushed().await;
        let erasure = Erasure { registry: &self.registry, purge };
        let purged = self.hub().purge(by, purge).await;
        drop(erasure);
        purged
    }

    /// Returns the channels that webhooks' filters name.
    pub fn named_channels(&self) -> HashSet<Channel> {
        let mut named = HashSet::new();
        for entry in self.registry.all() {
            let webhook = entry.webhook();
            named.extend(
                webhook.options.filter.patterns().iter().filter_map(|pattern| pattern.exact()?.parse().ok()),
            );
        }
        named
    }
}
