//! Following the ledger: other instances register, change and remove webhooks too.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::WebhookId;
use tokio::sync::{Mutex, watch};

use crate::parts::Parts;
use crate::registry::Registry;
use crate::webhook::Webhook;
use fanfare_store as store;

/// The time between two readings of the list, which can have 10,000 webhooks: while many are registered, the list is
/// not read after each of them.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps the registry as the ledger has it.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) parts: Arc<Parts>,
    pub(super) registry: Arc<Registry>,
    /// The same as in [`Webhooks`](crate::service::Webhooks): a change of this instance is in both or in neither.
    pub(super) changing: Arc<Mutex<()>>,
    /// Notified of changes since the registry was read.
    pub(super) revision: watch::Receiver<u64>,
}

impl Following {
    /// Follows the ledger. Returns only if the store can no longer be trusted.
    pub(super) async fn run(mut self) -> store::Error {
        loop {
            if self.revision.changed().await.is_err() {
                // The store is gone, and the gateway is stopping.
                return std::future::pending().await;
            }
            match self.read().await {
                Ok(()) => {}
                Err(error @ store::Error::Fatal { .. }) => return error,
                Err(store::Error::Closed) => return std::future::pending().await,
                Err(error) => {
                    tracing::warn!(%error, "could not read the list of webhooks; retrying");
                    self.revision.mark_changed();
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes over what differs in the ledger.
    async fn read(&self) -> Result<(), store::Error> {
        let _one_at_a_time = self.changing.lock().await;
        let rows = self.parts.ledger.webhooks().await?;
        let registered: HashSet<&WebhookId> = rows.iter().map(|row| &row.id).collect();
        for id in self.registry.ids().iter().filter(|id| !registered.contains(id)) {
            self.registry.remove(id);
        }
        // Pushers stop waiting for webhooks that were removed.
        self.parts.first_attempts.recount();
        for row in &rows {
            let known = self.registry.get(&row.id).map(|entry| entry.webhook().revision);
            if known == Some(row.revision) {
                continue;
            }
            match Webhook::from_row(row) {
                Ok(webhook) => drop(self.registry.put(webhook, row)),
                Err(damaged) => tracing::error!("{damaged}; it is passed over"),
            }
        }
        Ok(())
    }
}
