//! Data that survives a restart, as three contracts: the [`Log`], the [`Ledger`] and the [`Engine`] that keeps both.
//! One suite holds every engine to them.

pub mod arrival_clock;
pub mod claims;
pub mod engine;
pub mod error;
pub mod floor;
pub mod keys;
pub mod ledger;
pub mod log;
pub mod memory;
pub mod origin;
pub mod page;
pub mod purge;
pub mod read;
mod refusal;
pub mod registry;
pub mod retention;
pub mod settlement;
pub mod sweeper;
pub mod traces;
pub mod webhooks;

use std::sync::Arc;

pub use arrival_clock::ArrivalClock;
pub use claims::{Claim, InstanceId, Lease};
pub use engine::{Engine, Health};
pub use error::Error;
pub use fanfare_runtime::clock::{Clock, STANDS_FOR};
pub use ledger::{Ledger, READERS_MAX, ReaderKey, ReaderRow, SOURCES_MAX, SourceRow};
pub use log::{
    APPENDS_REMEMBERED, Append, AppendId, Appended, Batch, CHANNELS_MAX, COMMITTED_LEN_MAX, ChannelRow, Fork,
    Head, IDEMPOTENCY_KEYS_MAX, IDEMPOTENCY_WINDOW, Log, NEW_CHANNELS_MAX, PURGED_CHANNELS_MAX,
};
pub use purge::{Purge, Purged, Scope};
pub use read::{Gone, Order, Page, Read, Removed};
pub use retention::{Retention, Swept};
pub use webhooks::{
    ATTEMPTS_MAX, AttemptFacts, AttemptFilter, AttemptRow, BatchSpan, DeliveryChange, DeliveryCounts,
    DeliveryRow, DeliveryStatus, ReadAttempts, ReadDeliveries, WEBHOOKS_MAX, WebhookRow,
};

/// An open store; cheap to clone. One engine can keep all of it, or the log can come from one system and the ledger
/// from another.
#[derive(Debug, Clone)]
pub struct Store {
    /// The events.
    pub log: Arc<dyn Log>,
    /// The durable readers and the webhooks.
    pub ledger: Arc<dyn Ledger>,
    /// The life and health of the engine.
    pub engine: Arc<dyn Engine>,
}

impl Store {
    /// Creates a store from an engine that keeps all of it.
    pub fn new(engine: Arc<impl Log + Ledger + Engine>) -> Store {
        Store { log: engine.clone(), ledger: engine.clone(), engine }
    }

    /// Returns the ends of the log.
    pub fn head(&self) -> Head {
        *self.log.head().borrow()
    }

    /// Removes a limited part of what retention no longer keeps.
    pub async fn sweep(&self) -> Result<Swept, Error> {
        let mut swept = self.log.sweep().await?;
        swept += self.ledger.sweep().await?;
        Ok(swept)
    }

    /// Purges the events that the store has now, in the log and in what belongs to them. Returns nothing if there are
    /// none.
    pub async fn purge(&self, purge: &Purge) -> Result<Option<Purged>, Error> {
        let scope = Scope::new(purge.clone(), &*self.log);
        // In this order: what retention moves from the log meanwhile is found beside it.
        let of_log = self.log.purge(&scope).await?;
        let of_ledger = self.ledger.purge(&scope).await?;
        Ok(Purged::whole(of_log, of_ledger))
    }
}
