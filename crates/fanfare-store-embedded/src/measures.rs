//! The measurements of the engine: the durations of its steps, the sizes of its files, and the free space on
//! the disk.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use fanfare_runtime::telemetry::Metrics;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::files::wal_path;

/// The durations of the writer's steps. A slow disk shows in two of them; a long queue alone means that there
/// is too much to write.
#[derive(Debug)]
pub(super) struct Times {
    /// From a request to the start of its transaction.
    queue: Histogram,
    /// The commit of a transaction, which ends with a sync of the disk.
    sync: Histogram,
    /// The copying of the write-ahead log into the file.
    checkpoint: Histogram,
}

impl Times {
    pub(super) fn new() -> Times {
        // From 50 µs to 1.6 s.
        let seconds = || Histogram::new(exponential_buckets(0.000_05, 2.0, 16));
        Times { queue: seconds(), sync: seconds(), checkpoint: seconds() }
    }

    pub(super) fn queued(&self, time: Duration) {
        self.queue.observe(time.as_secs_f64());
    }

    pub(super) fn synced(&self, time: Duration) {
        self.sync.observe(time.as_secs_f64());
    }

    pub(super) fn checkpointed(&self, time: Duration) {
        self.checkpoint.observe(time.as_secs_f64());
    }

    pub(super) fn register(&self, metrics: &Metrics) {
        for (name, help, histogram) in [
            ("store_queue_seconds", "Time from a change to the start of its transaction", &self.queue),
            ("store_sync_seconds", "Time of a commit, which syncs the disk", &self.sync),
            (
                "store_checkpoint_seconds",
                "Time to copy the write-ahead log into the log file",
                &self.checkpoint,
            ),
        ] {
            metrics.register(name, help, histogram.clone());
        }
    }
}

/// The files of a log, as they are at each look.
#[derive(Debug)]
pub(super) struct Files(pub(super) PathBuf);

impl Collector for Files {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut gauge = |name, help, value: u64| {
            ConstGauge::new(value as f64).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Gauge,
            )?)
        };
        // A file that is not there has no bytes.
        let len = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        gauge("store_file_bytes", "Length of the log file.", len(&self.0))?;
        gauge("store_wal_bytes", "Length of the write-ahead log beside it.", len(&wal_path(&self.0)))?;
        let Ok(volume) = rustix::fs::statvfs(&self.0) else { return Ok(()) };
        let bytes = |blocks: u64| blocks.saturating_mul(volume.f_frsize);
        gauge("store_disk_free_bytes", "Free space on the disk of the log.", bytes(volume.f_bavail))?;
        gauge("store_disk_bytes", "Size of the disk of the log.", bytes(volume.f_blocks))
    }
}
