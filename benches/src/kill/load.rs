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
pub(crate) struct Acknowledged {
    pub(crate) id: String,
    pub(crate) message: String,
}

pub(crate) struct Load {
    pub(crate) server: SocketAddr,
    pub(crate) pushers_stop: AtomicBool,
    pub(crate) readers_stop: AtomicBool,
    pub(crate) readers: Vec<Reader>,
    /// Maximum pause of a pusher after each push: webhooks are slower than a log.
    pub(crate) pace_ms_max: u64,
    pub(crate) push_path: &'static str,
    /// The number of each pusher's first push: a message occurs once in a log.
    pub(crate) number_from: u64,
    pub(crate) unanswered: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) connects: AtomicU64,
    acknowledged: Mutex<Vec<Acknowledged>>,
    /// The first thing that must not happen.
    wrong: Mutex<Option<String>>,
}

impl Load {
    pub(crate) fn new(server: SocketAddr, readers: Vec<Reader>) -> Self {
        Self {
            server,
            pushers_stop: AtomicBool::new(false),
            readers_stop: AtomicBool::new(false),
            readers,
            pace_ms_max: 0,
            push_path: "/api/push",
            number_from: 0,
            unanswered: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            acknowledged: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    pub(crate) fn acknowledge(&self, events: impl Iterator<Item = Acknowledged>) {
        if let Ok(mut acknowledged) = self.acknowledged.lock() {
            acknowledged.extend(events);
        }
    }

    /// All that has been acknowledged until now.
    pub(crate) fn acknowledged(&self) -> Result<Vec<Acknowledged>> {
        Ok(self.acknowledged.lock().map_err(|_| anyhow!("a pusher panicked"))?.clone())
    }

    pub(crate) fn complain(&self, what: String) {
        if let Ok(mut wrong) = self.wrong.lock() {
            wrong.get_or_insert(what);
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        match &*self.wrong.lock().map_err(|_| anyhow!("a pusher or reader panicked"))? {
            Some(wrong) => bail!("{wrong}"),
            None => Ok(()),
        }
    }
}
