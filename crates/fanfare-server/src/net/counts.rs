//! The counters of the network.

use fanfare_runtime::telemetry::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

/// The counters of the network; cheap to clone.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Bytes written to the sockets of subscribers.
    pub sent_bytes: Counter,
    /// Writes to the sockets of subscribers.
    pub writes: Counter,
    /// Subscribers that were disconnected because they stopped reading.
    pub stalled: Counter,
    /// Connections that are open.
    pub connections: Gauge,
    /// Streams, sockets, waits and slow bodies among them.
    pub connections_lasting: Gauge,
    /// Maximum connections.
    pub connections_max: Gauge,
    /// Connections that were refused over a limit.
    pub connections_refused: Counter,
    /// Requests by route and status.
    pub requests: Family<RequestLabels, Counter>,
}

/// The labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The registered route, never the path itself: that would create a label per channel.
    pub route: String,
    /// The status.
    pub status: u16,
}

impl Counts {
    /// Registers the counters.
    pub fn new(metrics: &Metrics) -> Counts {
        let counter = |name, help| metrics.register(name, help, Counter::default());
        Counts {
            sent_bytes: counter("sent_bytes", "Bytes written to subscriber sockets"),
            writes: counter("stream_writes", "Writes to subscriber sockets"),
            stalled: counter("stalled", "Subscribers disconnected because they stopped reading"),
            connections: metrics.register("connections", "Open connections", Gauge::default()),
            connections_lasting: metrics.register(
                "connections_lasting",
                "Open streams, sockets, waits, slow bodies and slow pushes",
                Gauge::default(),
            ),
            connections_max: metrics.register("connections_max", "Maximum connections", Gauge::default()),
            connections_refused: counter(
                "connections_refused",
                "Connections refused because a limit was reached",
            ),
            requests: metrics.register("http_requests", "Requests by route and status", Family::default()),
        }
    }
}
