//! A purge that runs, apart from the caller that waits for it.

use std::sync::{Arc, PoisonError};

use fanfare_core::Principal;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::parts::Parts;
use crate::registry::Registry;
use fanfare_hub::purging::PurgeError;
use fanfare_store as store;
use fanfare_store::{Purge, Purged};

/// The purge that runs, so that it outlives its caller: half a purge would leave events that were to be erased, and
/// nobody would know.
#[derive(Debug, Default)]
pub(super) struct Erasing {
    /// At most one: each overwrites the same free pages, and the others wait for their turn.
    running: tokio::sync::Mutex<JoinSet<Result<Option<Purged>, PurgeError>>>,
}

impl Erasing {
    /// Purges events, once no other purge runs; goes on if the caller stops waiting after that.
    pub(super) async fn run(
        &self,
        parts: Arc<Parts>,
        registry: Arc<Registry>,
        by: Principal,
        purge: Purge,
    ) -> Result<Option<Purged>, PurgeError> {
        let mut running = self.running.lock().await;
        // The caller of an earlier one may have stopped waiting.
        while running.join_next().await.is_some() {}
        running.spawn(run(parts, registry, by, purge));
        match running.join_next().await {
            Some(Ok(purged)) => purged,
            Some(Err(error)) => {
                Err(store::Error::Other { problem: format!("the purge ended early: {error}") }.into())
            }
            None => Err(store::Error::Closed.into()),
        }
    }

    /// Waits for the purge that runs, and cuts it off at `deadline`. Nobody may start another one.
    pub(super) async fn end(&self, deadline: Instant) {
        // A caller that still waits for it then hears how it ends.
        let Ok(mut running) = timeout_at(deadline, self.running.lock()).await else { return };
        let ended = async { while running.join_next().await.is_some() {} };
        if timeout_at(deadline, ended).await.is_err() {
            running.shutdown().await;
        }
    }
}

async fn run(
    parts: Arc<Parts>,
    registry: Arc<Registry>,
    by: Principal,
    purge: Purge,
) -> Result<Option<Purged>, PurgeError> {
    let mut erasure = Erasure { registry: &registry, by: &by, purge: &purge, has_ended: false };
    let purged = parts.hub.purge(&by, &purge).await;
    erasure.has_ended = true;
    drop(erasure);
    if let Err(error) = &purged {
        tracing::warn!(
            by = %by.name(), %error,
            "the purge of {purge} failed: some of it may still be there until the request is repeated"
        );
    }
    purged
}

/// A purge in progress. However it ends, the events that it may have purged are dropped from memory.
struct Erasure<'a> {
    registry: &'a Registry,
    by: &'a Principal,
    purge: &'a Purge,
    /// Whether its outcome is known; otherwise it was cut off, and its caller may not wait for it any more.
    has_ended: bool,
}

impl Drop for Erasure<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            tracing::warn!(
                by = %self.by.name(),
                "the purge of {} was cut off: some of it may still be there until the request is repeated",
                self.purge
            );
        }
        for entry in self.registry.all() {
            let mut recent = entry.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.retain(|attempt| !attempt.may_be_of(self.purge));
        }
    }
}
