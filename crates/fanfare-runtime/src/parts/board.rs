//! The board: how every part fares, for `/ready`, for the metrics, and for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::Ends;
use super::state::State;

/// Shows how every part fares; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Guards the list; held for a look, or to add a part.
    states: Arc<Mutex<Vec<Arc<State>>>>,
}

/// How a part fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What its end means.
    pub ends: Ends,
    /// Whether it runs.
    pub health: Health,
    /// How many times it has begun again.
    pub restarts: u64,
}

/// Whether a part runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It has ended.
    Down,
    /// It runs, and has said nothing for longer than it may.
    Silent,
    /// It runs.
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

/// Returns whether every part runs that the program needs.
pub fn are_ready(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.is_harmless() || row.health == Health::Up)
}

impl Board {
    pub(super) fn add(&self, state: Arc<State>) {
        self.states().push(state);
    }

    /// Returns every part, in the order in which they were added.
    pub fn rows(&self) -> Vec<Row> {
        self.states().iter().map(|state| state.row()).collect()
    }

    /// Ends the part `name` as if it had failed, to see what follows. Returns whether there is one.
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
        let help = "Whether a part of the gateway runs";
        let mut up = encoder.encode_descriptor("part_up", help, None, MetricType::Gauge)?;
        for row in &rows {
            let is_up = i64::from(row.health == Health::Up);
            ConstGauge::new(is_up).encode(up.encode_family(&[("part", row.name.as_str())])?)?;
        }
        let help = "How many times a part has begun again";
        let mut restarts = encoder.encode_descriptor("part_restarts", help, None, MetricType::Counter)?;
        for row in &rows {
            let count = ConstCounter::new(row.restarts);
            count.encode(restarts.encode_family(&[("part", row.name.as_str())])?)?;
        }
        Ok(())
    }
}
