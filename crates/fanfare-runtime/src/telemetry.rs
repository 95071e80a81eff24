//! Metrics: each crate registers its own, and `/metrics` writes all of them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::registry::{Metric, Registry};

/// The prefix of every name.
const PREFIX: &str = "fanfare";

/// The list of all metrics; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Guards the list of metrics, not their values; held to register one or to write all.
    registry: Arc<Mutex<Registry>>,
}

impl Metrics {
    /// Creates an empty list.
    pub fn new() -> Metrics {
        Metrics { registry: Arc::new(Mutex::new(Registry::with_prefix(PREFIX))) }
    }

    /// Adds `metric` to the list and returns it.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.registry().register(name, help, metric.clone());
        metric
    }

    /// Adds values that are looked up at each write.
    pub fn collect(&self, collector: impl Collector) {
        self.registry().register_collector(Box::new(collector));
    }

    /// Writes all metrics in the OpenMetrics text format.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry())?;
        Ok(text)
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}
