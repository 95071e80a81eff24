//! The hub's metrics.

use std::fmt;
use std::sync::Arc;

use fanfare_runtime::telemetry::Metrics;
use fanfare_store::{Engine, Store};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::client::Transport;

/// The hub's metrics.
#[derive(Debug)]
pub(crate) struct Counts {
    /// The number of events appended.
    pub(crate) events: Counter,
    /// The duration of appends, from the hub to the store's answer, in seconds.
    pub(crate) append_seconds: Histogram,
    /// The number of gaps reported to subscribers.
    pub(crate) gaps: Counter,
    /// The number of resets reported to subscribers.
    pub(crate) resets: Counter,
    /// The number of searches of a message for a text.
    pub(crate) text_searches: Counter,
    subscribers: Family<Outlet, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outlet {
    transport: &'static str,
}

/// Reads the number of commits, and what is wrong, from the store.
#[derive(Debug)]
struct OfStore(Arc<dyn Engine>);

impl Counts {
    /// Registers the metrics of the hub over `store`.
    pub(crate) fn new(metrics: &Metrics, store: &Store) -> Counts {
        metrics.collect(OfStore(Arc::clone(&store.engine)));
        let seconds = Histogram::new(exponential_buckets(0.000_05, 2.0, 16));
        Counts {
            events: metrics.register("events", "Events appended to the log", Counter::default()),
            append_seconds: metrics.register(
                "append_seconds",
                "Time from a push to its commit, in seconds",
                seconds,
            ),
            gaps: metrics.register("gaps", "Gaps reported to subscribers", Counter::default()),
            resets: metrics.register("resets", "Resets reported to subscribers", Counter::default()),
            text_searches: metrics.register(
                "text_searches",
                "Messages searched for a text that subscribers look for",
                Counter::default(),
            ),
            subscribers: metrics.register(
                "subscribers",
                "Live subscriptions by transport",
                Family::default(),
            ),
        }
    }

    /// Returns the number of live subscriptions over `transport`.
    pub(crate) fn subscribers(&self, transport: Transport) -> Gauge {
        self.subscribers.get_or_create(&Outlet { transport: transport.as_str() }).clone()
    }
}

impl Collector for OfStore {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let commits = ConstCounter::new(self.0.commits());
        let kind = commits.metric_type();
        commits.encode(encoder.encode_descriptor("store_commits", "Store commits", None, kind)?)?;
        let health = self.0.health();
        let help = "Events that cannot be read, because their rows are damaged";
        let damaged = encoder.encode_descriptor("damaged_events", help, None, MetricType::Gauge)?;
        ConstGauge::new(health.damaged_events).encode(damaged)?;
        let help = "Whether the store refuses pushes, because the disk is full or fails";
        let refusing = encoder.encode_descriptor("store_refusing", help, None, MetricType::Gauge)?;
        ConstGauge::new(u64::from(health.refusal.is_some())).encode(refusing)?;
        let help = "Bytes in the store's write-ahead log";
        let wal = encoder.encode_descriptor("store_wal_bytes", help, None, MetricType::Gauge)?;
        ConstGauge::new(health.wal_bytes).encode(wal)
    }
}
