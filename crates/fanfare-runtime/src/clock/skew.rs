//! The metric of a clock that is not trusted.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::Clock;

/// By how much the machine's clock differs from the trusted time.
#[derive(Debug)]
pub struct Skew(pub Clock);

impl Collector for Skew {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let help =
            "Seconds by which the machine's clock is ahead of the trusted time; 0 while it is trusted.";
        let gauge = encoder.encode_descriptor("clock_skew_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(self.0.read().skew as f64 / 1_000_000.0).encode(gauge)
    }
}
