//! Purging: events that must not be readable any more leave what webhooks hold of them.

use std::collections::HashSet;
use std::sync::PoisonError;

use fanfare_core::{Channel, Principal};

use crate::registry::Registry;
use crate::service::Webhooks;
use fanfare_store as store;
use fanfare_store::{Purge, Purged};

/// A purge under way. However it ends, what it may have purged leaves the memory.
struct Erasure<'a> {
    registry: &'a Registry,
    purge: &'a Purge,
}

impl Drop for Erasure<'_> {
    fn drop(&mut self) {
        for entry in self.registry.list() {
            let mut recent = entry.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.retain(|attempt| !attempt.may_be_of(self.purge));
        }
    }
}

impl Webhooks {
    /// Purges events, with their deliveries and attempts. Returns nothing if there are none.
    ///
    /// A worker looks at what it has in hand before its next attempt; an attempt that is under way cannot be called back.
    pub async fn purge(&self, by: &Principal, purge: &Purge) -> Result<Option<Purged>, store::Error> {
        // What is on its way to the ledger would come after the purge.
        self.parts.recorder.flushed().await;
        let erasure = Erasure { registry: &self.registry, purge };
        let purged = self.hub().purge(by, purge).await;
        drop(erasure);
        purged
    }

    /// Returns the channels that the filter of some webhook names.
    pub fn named_channels(&self) -> HashSet<Channel> {
        let mut named = HashSet::new();
        for entry in self.registry.list() {
            let patterns = entry.webhook().options.filter.patterns().to_vec();
            named.extend(patterns.iter().filter_map(|pattern| pattern.exact()?.parse().ok()));
        }
        named
    }
}
