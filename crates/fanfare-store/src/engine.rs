//! The engine: its life and its health.

use std::fmt;

use async_trait::async_trait;
use fanfare_runtime::telemetry::Metrics;

use crate::Error;

/// What is wrong with an engine that works.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Number of events that were found damaged since it was opened.
    pub damaged_events: u64,
    /// Why the last changes were refused, if they were: nothing is written until that has passed.
    pub refusal: Option<Error>,
}

/// An engine: it keeps a log and a ledger.
#[async_trait]
pub trait Engine: Send + Sync + fmt::Debug + 'static {
    /// Returns the engine's name, such as `memory` or `embedded`.
    fn name(&self) -> &'static str;

    /// Counts the commits of this instance since it was opened: with appends that wait together, fewer than appends.
    fn commits(&self) -> u64;

    /// Returns what is wrong with the engine, although it works.
    fn health(&self) -> Health {
        Health::default()
    }

    /// Adds what the engine alone can measure, such as the length of its files, to the metrics.
    fn register(&self, _metrics: &Metrics) {}

    /// Records the address of the gateway, for programs that find the store in use. Does nothing for an engine that
    /// they cannot find.
    fn announce(&self, _url: &str) -> Result<(), Error> {
        Ok(())
    }

    /// Resolves when the store can no longer be trusted, with the reason. A lost connection is not such a reason.
    async fn failed(&self) -> Error;

    /// Finishes accepted requests and closes; later calls fail with [`Error::Closed`].
    async fn close(&self);
}
