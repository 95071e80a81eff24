//! A purge that runs, apart from the caller that waits for it.

use std::sync::{Arc, PoisonError};

use fanfare_core::Principal;
use tokio::task::JoinSet;

use crate::parts::Parts;
use crate::registry::Registry;
use fanfare_store as store;
use fanfare_store::{Purge, Purged};

/// The purge that runs, so that it outlives its caller: half a purge would leave events that were to be erased, and
/// nobody would know.
#[derive(Debug, Default)]
pub(super) struct Erasing {
    /// At most one: each overwrites the same free pages, and the others wait for their turn.
    running: tokio::sync::Mutex<JoinSet<Result<Option<Purged>, store::Error>>>,
}

impl Erasing {
    /// Purges events, once no other purge runs; goes on if the caller stops waiting after that.
    pub(super) async fn run(
        &self,
        parts: Arc<Parts>,
        registry: Arc<Registry>,
        by: Principal,
        purge: Purge,
    ) -> Result<Option<Purged>, store::Error> {
        let mut running = self.running.lock().await;
        // The caller of an earlier one may have stopped waiting.
        while running.join_next().await.is_some() {}
        running.spawn(run(parts, registry, by, purge));
        match running.join_next().await {
            Some(Ok(purged)) => purged,
            Some(Err(error)) => {
                Err(store::Error::Other { problem: format!("the purge ended early: {error}") })
            }
            None => Err(store::Error::Closed),
        }
    }
}

async fn run(
    parts: Arc<Parts>,
    registry: Arc<Registry>,
    by: Principal,
    purge: Purge,
) -> Result<Option<Purged>, store::Error> {
    // Writes on their way to the ledger would otherwise arrive after the purge.
    parts.recorder.flushed().await;
    let erasure = Erasure { registry: &registry, purge: &purge };
    let purged = parts.hub.purge(&by, &purge).await;
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
    purge: &'a Purge,
}

impl Drop for Erasure<'_> {
    fn drop(&mut self) {
        for entry in self.registry.all() {
            let mut recent = entry.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.retain(|attempt| !attempt.may_be_of(self.purge));
        }
    }
}
