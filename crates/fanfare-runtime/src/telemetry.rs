//! What is measured, and how it is logged.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// What is measured; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Events appended.
    pub events: Counter,
    /// Commits of the store; as of the last time that the metrics were asked for.
    pub store_commits: Counter,
    /// How long appends took, from the hub to the answer of the store, in seconds.
    pub append_seconds: Histogram,
    /// Bytes handed to the sockets of readers.
    pub sent_bytes: Counter,
    /// Writes to the sockets of readers.
    pub writes: Counter,
    /// Gaps that readers were told of.
    pub gaps: Counter,
    /// Resets that readers were told of.
    pub resets: Counter,
    /// Readers that were disconnected because they took nothing for too long.
    pub stalled: Counter,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that were refused over a limit.
    pub connections_refused: Counter,
    /// Requests by route and status.
    pub requests: Family<RequestLabels, Counter>,
    subscribers: Family<TransportLabel, Gauge>,
    webhook_attempts: Family<OutcomeLabel, Counter>,
    registry: Arc<Registry>,
}

/// The labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route as it is registered, never the path itself: that would be a label per channel.
    pub route: String,
    /// The status.
    pub status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransportLabel {
    transport: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

impl Metrics {
    /// Registers everything.
    pub fn new() -> Metrics {
        let mut registry = Registry::with_prefix("fanfare");
        let events = Counter::<u64, AtomicU64>::default();
        registry.register("events", "Events appended", events.clone());
        let store_commits = Counter::<u64, AtomicU64>::default();
        registry.register("store_commits", "Commits of the store", store_commits.clone());
        let append_seconds = Histogram::new(exponential_buckets(0.000_05, 2.0, 16));
        registry.register("append_seconds", "Seconds from a push to its commit", append_seconds.clone());
        let sent_bytes = Counter::default();
        registry.register("sent_bytes", "Bytes handed to the sockets of readers", sent_bytes.clone());
        let writes = Counter::default();
        registry.register("writes", "Writes to the sockets of readers", writes.clone());
        let gaps = Counter::default();
        registry.register("gaps", "Gaps that readers were told of", gaps.clone());
        let resets = Counter::default();
        registry.register("resets", "Resets that readers were told of", resets.clone());
        let stalled = Counter::default();
        registry.register("stalled", "Readers disconnected because they took nothing", stalled.clone());
        let connections = Gauge::default();
        registry.register("connections", "Open connections", connections.clone());
        let connections_refused = Counter::default();
        registry.register(
            "connections_refused",
            "Connections refused over a limit",
            connections_refused.clone(),
        );
        let requests = Family::default();
        registry.register("requests", "Requests by route and status", requests.clone());
        let subscribers = Family::default();
        registry.register("subscribers", "Live subscriptions by transport", subscribers.clone());
        let webhook_attempts = Family::default();
        registry.register("webhook_attempts", "Requests to webhooks by outcome", webhook_attempts.clone());
        Metrics {
            events,
            store_commits,
            append_seconds,
            sent_bytes,
            writes,
            gaps,
            resets,
            stalled,
            connections,
            connections_refused,
            requests,
            subscribers,
            webhook_attempts,
            registry: Arc::new(registry),
        }
    }

    /// Gives the number of live subscriptions over `transport`, by its name.
    pub fn subscribers(&self, transport: &'static str) -> Gauge {
        self.subscribers.get_or_create(&TransportLabel { transport }).clone()
    }

    /// Counts a request to a webhook by its category.
    pub fn webhook_attempt(&self, outcome: &'static str) {
        self.webhook_attempts.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// Writes everything in the OpenMetrics text format.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}
