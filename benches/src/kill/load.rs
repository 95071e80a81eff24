//! The state that pushers and subscribers share with the trial that watches them.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64},
    },
};

use anyhow::{Result, anyhow, bail};

use super::readers::Reader;

/// An event that the server acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub(super) id: String,
    pub(super) message: String,
}

pub(super) struct Load {
    pub(super) server: SocketAddr,
    pub(super) pushers_stop: AtomicBool,
    pub(super) readers_stop: AtomicBool,
    pub(super) readers: Vec<Reader>,
    /// Maximum pause of a pusher after each push: webhooks are slower than a log.
    pub(super) pace_ms_max: u64,
    pub(super) push_path: &'static str,
    pub(super) unanswered: AtomicU64,
    pub(super) repeated: AtomicU64,
    pub(super) connects: AtomicU64,
    acknowledged: Mutex<Vec<Acknowledged>>,
    /// The first thing that must not happen.
    wrong: Mutex<Option<String>>,
}

impl Load {
    pub(super) fn new(server: SocketAddr, readers: Vec<Reader>) -> Self {
        Self {
            server,
            pushers_stop: AtomicBool::new(false),
            readers_stop: AtomicBool::new(false),
            readers,
            pace_ms_max: 0,
            push_path: "/api/push",
            unanswered: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            acknowledged: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    pub(super) fn acknowledge(&self, events: impl Iterator<Item = Acknowledged>) {
        if let Ok(mut acknowledged) = self.acknowledged.lock() {
            acknowledged.extend(events);
        }
    }

    /// All that has been acknowledged until now.
    pub(super) fn acknowledged(&self) -> Result<Vec<Acknowledged>> {
        Ok(self.acknowledged.lock().map_err(|_| anyhow!("a pusher panicked"))?.clone())
    }

    pub(super) fn complain(&self, what: String) {
        if let Ok(mut wrong) = self.wrong.lock() {
            wrong.get_or_insert(what);
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        match &*self.wrong.lock().map_err(|_| anyhow!("a pusher or reader panicked"))? {
            Some(wrong) => bail!("{wrong}"),
            None => Ok(()),
        }
    }
}
