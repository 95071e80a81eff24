//! The board: the health of every part, for `/ready`, for the metrics, and for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::Ends;
use super::state::State;

/// The view of all parts' health; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Guards the list; held for a look, or to add a part.
    states: Arc<Mutex<Vec<Arc<State>>>>,
}

/// The state of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name.
    pub name: String,
    /// The consequence of the part's end.
    pub ends: Ends,
    /// The health.
    pub health: Health,
    /// The number of times that the part was restarted.
    pub restarts: u64,
}

/// The health of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The part has ended.
    Down,
    /// The part runs, but has been silent for longer than it may.
    Silent,
    /// The part runs.
    Up,
}

impl Health {
    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Health::Down => "down",
            Health::Silent => "silent",
            Health::Up => "up",
        }
    }
}

impl Row {
    /// Returns whether the program can do without the part.
    pub fn is_harmless(&self) -> bool {
        match self.ends {
            Ends::Harmless { .. } => true,
            Ends::Process | Ends::Restart { .. } => false,
        }
    }
}

/// Returns whether every part that the program needs is running.
pub fn are_ready(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.is_harmless() || row.health == Health::Up)
}

impl Board {
    pub(super) fn add(&self, state: Arc<State>) {
        self.states().push(state);
    }

    /// Returns all parts, in the order in which they were added.
    pub fn rows(&self) -> Vec<Row> {
        self.states().iter().map(|state| state.row()).collect()
    }

    /// Ends the part `name` as if it had failed, to test the consequences. Returns whether there is such a part.
    pub fn end(&self, name: &str) -> bool {
        let state = self.states().iter().find(|state| state.part.name == name).cloned();
        if let Some(state) = &state {
            state.end();
        }
        state.is_some()
    }

    fn states(&self) -> MutexGuard<'_, Vec<Arc<State>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Board {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let rows = self.rows();
        let help = "Whether a part of the gateway is running.";
        let mut up = encoder.encode_descriptor("part_up", help, None, MetricType::Gauge)?;
        for row in &rows {
            let is_up = i64::from(row.health == Health::Up);
            ConstGauge::new(is_up).encode(up.encode_family(&[("part", row.name.as_str())])?)?;
        }
        let help = "Restarts of a part of the gateway.";
        let mut restarts = encoder.encode_descriptor("part_restarts", help, None, MetricType::Counter)?;
        for row in &rows {
            let count = ConstCounter::new(row.restarts);
            count.encode(restarts.encode_family(&[("part", row.name.as_str())])?)?;
        }
        Ok(())
    }
}
