//! The metrics of the process, under their conventional names.

use std::fmt;

use procfs::process::{LimitValue, Process as Entry};
use procfs::{ProcResult, WithCurrentSystemInfo};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The system's measurements of this process. A value that cannot be read is left out.
#[derive(Debug)]
pub struct Process;

/// The values of one look.
#[derive(Debug)]
struct Look {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: i64,
    started_seconds: f64,
    open_fds: u64,
    /// `None` without a limit.
    max_fds: Option<u64>,
}

impl Look {
    fn take() -> ProcResult<Look> {
        let entry = Entry::myself()?;
        let stat = entry.stat()?;
        let ticks_per_second = procfs::ticks_per_second() as f64;
        let max_fds = match entry.limits()?.max_open_files.soft_limit {
            LimitValue::Unlimited => None,
            LimitValue::Value(files) => Some(files),
        };
        Ok(Look {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks_per_second,
            resident_bytes: stat.rss_bytes().get(),
            virtual_bytes: stat.vsize,
            threads: stat.num_threads,
            started_seconds: procfs::boot_time_secs()? as f64 + stat.starttime as f64 / ticks_per_second,
            open_fds: entry.fd_count()? as u64,
            max_fds,
        })
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let look = match Look::take() {
            Ok(look) => look,
            Err(error) => {
                tracing::debug!(%error, "could not read the metrics of the process");
                return Ok(());
            }
        };
        let help = "Processor time that the process has used, in seconds.";
        let cpu = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
        ConstCounter::new(look.cpu_seconds).encode(cpu)?;
        let mut gauge = |name, help, value: f64| {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        };
        gauge("process_resident_memory_bytes", "Memory of the process.", look.resident_bytes as f64)?;
        gauge("process_virtual_memory_bytes", "Address space of the process.", look.virtual_bytes as f64)?;
        gauge("process_threads", "Threads of the process.", look.threads as f64)?;
        gauge(
            "process_start_time_seconds",
            "Time at which the process started, in seconds since 1970.",
            look.started_seconds,
        )?;
        gauge("process_open_fds", "Open files and sockets of the process.", look.open_fds as f64)?;
        match look.max_fds {
            Some(files) => gauge("process_max_fds", "Maximum open files and sockets.", files as f64),
            None => Ok(()),
        }
    }
}
