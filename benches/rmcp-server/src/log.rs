//! The log: in memory, bounded, in one order, and a broadcast of what is appended.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::broadcast;

/// The identity of the log, in the form that Fanfare gives its own.
const EPOCH: &str = "rmcp0000";
/// A hundred megabytes of the benchmark's events, about what Fanfare's memory store keeps.
const EVENTS_MAX: usize = 200_000;
/// As many events as a listener may lag before it misses some.
const LAG_MAX: usize = 1_024;

#[expect(dead_code, reason = "kept for readers of the log, as Fanfare keeps them")]
pub struct Event {
    pub id: String,
    pub channel: String,
    pub kind: String,
    pub message: String,
    pub data: Option<Value>,
    pub priority: String,
    pub key: Option<String>,
    pub timestamp: String,
}

pub struct Log {
    /// The last seq and the newest events, under one lock so that their order is one.
    kept: Mutex<(u64, VecDeque<Arc<Event>>)>,
    bus: broadcast::Sender<Arc<Event>>,
}

impl Log {
    pub fn new() -> Self {
        Self { kept: Mutex::default(), bus: broadcast::channel(LAG_MAX).0 }
    }

    /// Appends what `event` makes of its id and timestamp; gives it, and how many listeners it went to.
    pub fn append(&self, event: impl FnOnce(String, String) -> Event) -> (Arc<Event>, usize) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (seq, events) = &mut *kept;
        *seq += 1;
        let timestamp = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
        let event = Arc::new(event(format!("{EPOCH}-{seq}"), timestamp));
        if events.len() == EVENTS_MAX {
            events.pop_front();
        }
        events.push_back(Arc::clone(&event));
        // Nobody listening is no failure.
        let listeners = self.bus.send(Arc::clone(&event)).unwrap_or(0);
        (event, listeners)
    }
}
