//! What a legacy session hears of unasked: changes of lists, and of the resources it named.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fanfare_mcp::Error;
use fanfare_mcp::listen::{Change, Interests, RESOURCES_MAX};
use futures_util::stream::{AbortHandle, Abortable, BoxStream, abortable};
use serde_json::json;
use tokio::sync::Notify;

/// Changes, until the client no longer wants to hear of them.
pub type Changes = Abortable<BoxStream<'static, Change>>;

/// What a session hears of. Each resource is followed by itself: what is yet to be told of one is not lost when the
/// client asks for another.
#[derive(Default)]
pub struct WatchList {
    /// The resources, by address, with what ends each. Held while the service begins to follow one, so that the newest
    /// wish wins.
    resources: tokio::sync::Mutex<HashMap<String, AbortHandle>>,
    /// What is to be told as well from now on; taken by [`WatchList::take_added`]. At most one for each of `resources`,
    /// and one for the lists.
    added: Mutex<Vec<Changes>>,
    adds: Notify,
    begun: AtomicBool,
}

impl fmt::Debug for WatchList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchList").finish_non_exhaustive()
    }
}

impl WatchList {
    /// Returns `true` once: somebody must tell the client what changes.
    pub fn begin(&self) -> bool {
        !self.begun.swap(true, Ordering::Relaxed)
    }

    /// Adds a resource, whose changes `follow` gives with what it honours. What changes from now on is told.
    pub async fn add(
        &self,
        uri: String,
        follow: impl Future<Output = Result<(Interests, BoxStream<'static, Change>), Error>>,
    ) -> Result<(), Error> {
        let mut resources = self.resources.lock().await;
        if resources.contains_key(&uri) {
            return Ok(());
        }
        if resources.len() >= RESOURCES_MAX {
            let problem = format!("a session hears of at most {RESOURCES_MAX} resources");
            return Err(Error::invalid_params(problem));
        }
        let (honoured, changes) = follow.await?;
        if !honoured.resource_subscriptions.contains(&uri) {
            let problem = "this resource cannot be subscribed to: there is no such address, or what is there never changes";
            return Err(Error::invalid_params(problem).with(json!({ "uri": uri })));
        }
        let (changes, end) = abortable(changes);
        resources.insert(uri, end);
        self.push(changes);
        Ok(())
    }

    /// Adds the changes of the lists.
    pub fn add_lists(&self, changes: BoxStream<'static, Change>) {
        self.push(abortable(changes).0);
    }

    /// Removes a resource; one that is not there is let be.
    pub async fn remove(&self, uri: &str) {
        if let Some(end) = self.resources.lock().await.remove(uri) {
            end.abort();
        }
    }

    /// Takes what was added since it was last taken.
    pub fn take_added(&self) -> Vec<Changes> {
        std::mem::take(&mut *self.added())
    }

    /// Waits until something is added. Can be cancelled without loss.
    pub async fn more(&self) {
        self.adds.notified().await;
    }

    fn push(&self, changes: Changes) {
        {
            let mut added = self.added();
            // A session that never says it is ready could ask for and leave the same resource again and again.
            added.retain(|changes| !changes.is_aborted());
            added.push(changes);
        }
        self.adds.notify_one();
    }

    fn added(&self) -> MutexGuard<'_, Vec<Changes>> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
