//! The hub's metrics.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fanfare_core::Code;
use fanfare_runtime::telemetry::Metrics;
use fanfare_store::{CHANNELS_MAX, Engine, READERS_MAX, Store};
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
    /// The number of events that were skipped for subscribers that lag and shed.
    pub(crate) shed_events: Counter,
    /// The number of searches of a message for a text.
    pub(crate) text_searches: Counter,
    /// The number of channels.
    pub(crate) channels: Amount,
    /// The number of events in the log.
    pub(crate) log_events: Amount,
    /// The age of the oldest event in the log, in seconds.
    pub(crate) oldest_event_age: Gauge<f64, AtomicU64>,
    /// The number of durable readers.
    pub(crate) readers: Amount,
    /// The number of events not acknowledged by the reader that is furthest behind.
    pub(crate) reader_lag_max: Amount,
    disconnected: Family<Outlet, Counter>,
    refused_pushes: Family<Cause, Counter>,
    subscribers: Family<Outlet, Gauge>,
}

/// A gauge of a number that is never below zero.
type Amount = Gauge<u64, AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cause {
    code: &'static str,
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
        store.engine.register(metrics);
        metrics.collect(OfStore(Arc::clone(&store.engine)));
        let amount = |name, help| metrics.register(name, help, Amount::default());
        amount("channels_max", "Maximum channels").set(CHANNELS_MAX as u64);
        amount("readers_max", "Maximum durable readers").set(READERS_MAX as u64);
        let seconds = Histogram::new(exponential_buckets(0.000_05, 2.0, 16));
        Counts {
            events: metrics.register("events", "Events appended to the log", Counter::default()),
            append_seconds: metrics.register("append_seconds", "Time from a push to its commit", seconds),
            gaps: metrics.register("gaps", "Gaps reported to subscribers", Counter::default()),
            resets: metrics.register("resets", "Resets reported to subscribers", Counter::default()),
            shed_events: metrics.register(
                "shed_events",
                "Events of low priority skipped for subscribers that lag and asked for it",
                Counter::default(),
            ),
            text_searches: metrics.register(
                "text_searches",
                "Messages searched for a text that subscribers look for",
                Counter::default(),
            ),
            channels: amount("channels", "Channels of the log"),
            log_events: amount("log_events", "Events in the log"),
            oldest_event_age: metrics.register(
                "log_oldest_event_age_seconds",
                "Age of the oldest event in the log; 0 without events",
                Gauge::default(),
            ),
            readers: amount("readers", "Durable readers"),
            reader_lag_max: amount(
                "reader_lag_max_events",
                "Events after the position of the durable reader that is furthest behind",
            ),
            disconnected: metrics.register(
                "disconnected_clients",
                "Clients that a caller disconnected, by transport",
                Family::default(),
            ),
            refused_pushes: metrics.register(
                "refused_pushes",
                "Pushes that were refused, by the code of the error",
                Family::default(),
            ),
            subscribers: metrics.register(
                "subscribers",
                "Live subscriptions by transport",
                Family::default(),
            ),
        }
    }

    /// Counts a push that was refused because of `code`.
    pub(crate) fn refused_push(&self, code: Code) {
        self.refused_pushes.get_or_create(&Cause { code: code.as_str() }).inc();
    }

    /// Counts a client that was disconnected from `transport`.
    pub(crate) fn disconnected(&self, transport: Transport) {
        self.disconnected.get_or_create(&Outlet { transport: transport.as_str() }).inc();
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
        commits.encode(encoder.encode_descriptor("store_commits", "Commits of the store.", None, kind)?)?;
        let health = self.0.health();
        let help = "Events that cannot be read, because their rows are damaged.";
        let damaged = encoder.encode_descriptor("damaged_events", help, None, MetricType::Gauge)?;
        ConstGauge::new(health.damaged_events).encode(damaged)?;
        let help = "Whether the store refuses pushes, because the disk is full or fails.";
        let refusing = encoder.encode_descriptor("store_refusing", help, None, MetricType::Gauge)?;
        ConstGauge::new(u64::from(health.refusal.is_some())).encode(refusing)
    }
}
