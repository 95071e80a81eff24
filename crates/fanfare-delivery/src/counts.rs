//! What is counted of deliveries.

use fanfare_runtime::telemetry::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// What is counted of deliveries.
#[derive(Debug)]
pub(crate) struct Counts {
    attempts: Family<AttemptLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    outcome: &'static str,
}

impl Counts {
    /// Registers what is counted.
    pub(crate) fn new(metrics: &Metrics) -> Counts {
        let help = "Requests to webhooks by outcome";
        Counts { attempts: metrics.register("webhook_attempts", help, Family::default()) }
    }

    /// Counts a request to a webhook by its category.
    pub(crate) fn attempt(&self, outcome: &'static str) {
        self.attempts.get_or_create(&AttemptLabels { outcome }).inc();
    }
}
