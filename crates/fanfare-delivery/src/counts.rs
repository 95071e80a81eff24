//! The metrics of deliveries.

use fanfare_runtime::telemetry::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// The metrics of deliveries.
#[derive(Debug)]
pub(crate) struct Counts {
    attempts: Family<AttemptLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    outcome: &'static str,
}

impl Counts {
    /// Registers the metrics.
    pub(crate) fn new(metrics: &Metrics) -> Counts {
        let help = "Webhook delivery attempts by outcome";
        Counts { attempts: metrics.register("webhook_attempts", help, Family::default()) }
    }

    /// Counts an attempt by its outcome.
    pub(crate) fn attempt(&self, outcome: &'static str) {
        self.attempts.get_or_create(&AttemptLabels { outcome }).inc();
    }
}
