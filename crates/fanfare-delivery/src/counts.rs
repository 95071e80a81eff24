//! The metrics of deliveries.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use fanfare_runtime::telemetry::Metrics;
use fanfare_store::WEBHOOKS_MAX;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::attempt::Attempt;
use crate::state::State;

/// A gauge of a number that is never below zero.
type Amount = Gauge<u64, AtomicU64>;

/// The metrics of deliveries.
#[derive(Debug)]
pub(crate) struct Counts {
    attempts: Family<AttemptLabels, Counter>,
    attempt_seconds: Histogram,
    delivery_seconds: Histogram,
    webhooks: Family<StateLabels, Amount>,
    deliveries: Family<StatusLabels, Amount>,
    /// The number of events not yet sent to the webhook that is furthest behind.
    pub(crate) lag_max: Amount,
    /// How often events were gone before a webhook was sent them.
    pub(crate) losses: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabels {
    status: &'static str,
}

impl Counts {
    /// Registers the metrics.
    pub(crate) fn new(metrics: &Metrics) -> Counts {
        metrics.register("webhooks_max", "Maximum webhooks", Amount::default()).set(WEBHOOKS_MAX as u64);
        // From 1 ms to 16 s: an attempt takes at most ten.
        let attempt_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 15));
        // From 1 ms to 19 hours: retries take days.
        let delivery_seconds = Histogram::new(exponential_buckets(0.001, 4.0, 14));
        Counts {
            attempts: metrics.register(
                "webhook_attempts",
                "Webhook delivery attempts by outcome",
                Family::default(),
            ),
            attempt_seconds: metrics.register(
                "webhook_attempt_seconds",
                "Time of an attempt, from the look-up of the name to the end of the response",
                attempt_seconds,
            ),
            delivery_seconds: metrics.register(
                "webhook_delivery_seconds",
                "Time from the arrival of an event to its delivery, retries included",
                delivery_seconds,
            ),
            webhooks: metrics.register("webhooks", "Webhooks by state", Family::default()),
            deliveries: metrics.register(
                "webhook_deliveries",
                "Deliveries that wait for a retry or have failed for good",
                Family::default(),
            ),
            lag_max: metrics.register(
                "webhook_lag_max_events",
                "Events after the position of the webhook that is furthest behind, of those that are not paused",
                Amount::default(),
            ),
            losses: metrics.register(
                "webhook_losses",
                "Times that events were gone before a webhook was sent them",
                Counter::default(),
            ),
        }
    }

    /// Counts an attempt by its outcome, and the time that it took.
    pub(crate) fn attempt(&self, attempt: &Attempt) {
        self.attempts.get_or_create(&AttemptLabels { outcome: attempt.outcome.as_str() }).inc();
        self.attempt_seconds.observe(Duration::from_micros(attempt.times.total_us).as_secs_f64());
    }

    /// Counts an event that was delivered this long after it arrived.
    pub(crate) fn delivered(&self, after: Duration) {
        self.delivery_seconds.observe(after.as_secs_f64());
    }

    /// Sets the number of webhooks in `state`.
    pub(crate) fn set_webhooks(&self, state: State, number: usize) {
        self.webhooks.get_or_create(&StateLabels { state: state.as_str() }).set(number as u64);
    }

    /// Sets the number of waiting deliveries, and of those that have failed for good.
    pub(crate) fn set_deliveries(&self, waiting: u64, failed: u64) {
        for (status, number) in [("waiting", waiting), ("failed", failed)] {
            self.deliveries.get_or_create(&StatusLabels { status }).set(number);
        }
    }
}
