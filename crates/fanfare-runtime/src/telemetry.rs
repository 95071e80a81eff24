//! Metrics: each crate registers its own, and `/metrics` writes all of them.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

/// The prefix of all our names. Metrics of the process have their conventional names.
const PREFIX: &str = "fanfare";

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.0, for scrapers that ask for it.
    OpenMetrics,
    /// The text format of Prometheus, 0.0.4, which everything reads.
    Prometheus,
}

/// The list of all metrics; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Guards the lists of metrics, not their values; held to register one or to write all.
    lists: Arc<Mutex<Lists>>,
}

#[derive(Debug)]
struct Lists {
    own: Registry,
    of_process: Registry,
}

impl Metrics {
    /// Creates an empty list.
    pub fn new() -> Metrics {
        let lists = Lists { own: Registry::with_prefix(PREFIX), of_process: Registry::default() };
        Metrics { lists: Arc::new(Mutex::new(lists)) }
    }

    /// Adds `metric` to the list and returns it.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.lists().own.register(name, help, metric.clone());
        metric
    }

    /// Adds a metric that says with its labels what runs; its value is always 1.
    pub fn describe(&self, labels: &[(&str, &str)]) {
        let labels: Vec<(String, String)> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let info: Family<Vec<(String, String)>, Gauge> = Family::default();
        info.get_or_create(&labels).set(1);
        self.register("build_info", "Version of the gateway, and the engine of its store; always 1", info);
    }

    /// Adds values that are looked up at each write.
    pub fn collect(&self, collector: impl Collector) {
        self.lists().own.register_collector(Box::new(collector));
    }

    /// Adds metrics of the process, whose names do not have our prefix.
    pub fn collect_of_process(&self, collector: impl Collector) {
        self.lists().of_process.register_collector(Box::new(collector));
    }

    /// Writes all metrics.
    pub fn encode(&self, format: Format) -> Result<String, fmt::Error> {
        let mut text = String::new();
        {
            let lists = self.lists();
            text::encode_registry(&mut text, &lists.own)?;
            text::encode_registry(&mut text, &lists.of_process)?;
        }
        text::encode_eof(&mut text)?;
        Ok(match format {
            Format::OpenMetrics => text,
            Format::Prometheus => older(&text),
        })
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns OpenMetrics text in the older format. Its samples are the same; its comments name a counter as the samples do,
/// and it has no units and no end.
fn older(open: &str) -> String {
    let counters: HashSet<&str> = open
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .filter(|(_, kind)| *kind == "counter")
        .map(|(name, _)| name)
        .collect();
    let mut text = String::with_capacity(open.len());
    for line in open.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF"), ..) | (Some("#"), Some("UNIT"), ..) => continue,
            (Some("#"), Some(keyword), Some(name), Some(rest)) if counters.contains(name) => {
                text.push_str(&format!("# {keyword} {name}_total {rest}"));
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}
