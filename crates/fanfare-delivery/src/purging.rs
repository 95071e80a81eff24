//! Purging: removes events that must no longer be readable from everything that webhooks hold.

use std::collections::HashSet;
use std::sync::Arc;

use fanfare_core::{Channel, Principal};
use tokio::time::Instant;

use crate::service::Webhooks;
use fanfare_hub::purging::PurgeError;
use fanfare_store::{Purge, Purged};

impl Webhooks {
    /// Purges events, with their deliveries and attempts. Returns nothing if there are none. A purge that has begun
    /// runs to its end, even if its caller stops waiting; a stop of the gateway waits for it as long as for a client.
    ///
    /// Each worker drops purged events before its next attempt; an attempt in progress cannot be recalled.
    pub async fn purge(&self, by: &Principal, purge: &Purge) -> Result<Option<Purged>, PurgeError> {
        let (parts, registry) = (Arc::clone(&self.parts), Arc::clone(&self.registry));
        self.erasing.run(parts, registry, by.clone(), purge.clone()).await
    }

    /// Waits for the purge that runs when the gateway stops, and cuts it off at `deadline`. Call it once there are no more
    /// callers, and while the hub and the store still work.
    pub async fn end_purge(&self, deadline: Instant) {
        self.erasing.end(deadline).await;
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
