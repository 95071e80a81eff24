//! The unrequested notifications of a legacy session: changes of lists, and of the resources it named.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fanfare_mcp::Error;
use fanfare_mcp::listen::{Change, Interests, RESOURCES_MAX};
use futures_util::stream::{AbortHandle, Abortable, BoxStream, abortable};
use serde_json::json;
use tokio::sync::Notify;

/// Changes, until the client no longer wants them.
pub type Changes = Abortable<BoxStream<'static, Change>>;

/// The watched resources of a session. Each is followed separately: pending notifications of one are not lost when the
/// client asks for another.
#[derive(Default)]
pub struct WatchList {
    /// The resources, by address, with the handle that ends each. Locked while the service starts to follow one, so
    /// that the newest request wins.
    resources: tokio::sync::Mutex<HashMap<String, AbortHandle>>,
    /// Changes to report as well from now on; [`WatchList::take_added`] removes them. At most one for each of
    /// `resources`, and one for the lists.
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
    /// Returns `true` once: the caller that gets it must report the changes to the client.
    pub fn begin(&self) -> bool {
        !self.begun.swap(true, Ordering::Relaxed)
    }

    /// Adds a resource; `follow` returns its changes. Changes from now on are reported.
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
            let problem = format!("a session can watch at most {RESOURCES_MAX} resources");
            return Err(Error::invalid_params(problem));
        }
        let (honoured, changes) = follow.await?;
        if !honoured.resource_subscriptions.contains(&uri) {
            let problem = "this resource cannot be subscribed to: it does not exist, or it never changes";
            return Err(Error::invalid_params(problem).with(json!({ "uri": uri })));
        }
        let (changes, end) = abortable(changes);
        resources.insert(uri, end);
        self.push(changes);
        Ok(())
    }

    /// Adds the changes of lists.
    pub fn add_lists(&self, changes: BoxStream<'static, Change>) {
        self.push(abortable(changes).0);
    }

    /// Removes a resource; a missing one is ignored.
    pub async fn remove(&self, uri: &str) {
        if let Some(end) = self.resources.lock().await.remove(uri) {
            end.abort();
        }
    }

    /// Removes and returns the changes added since the last call.
    pub fn take_added(&self) -> Vec<Changes> {
        std::mem::take(&mut *self.added())
    }

    /// Waits until changes are added. Cancelling loses nothing.
    pub async fn more(&self) {
        self.adds.notified().await;
    }

    fn push(&self, changes: Changes) {
        {
            let mut added = self.added();
            // A session that never confirms that it is ready could watch and leave the same resource repeatedly.
            added.retain(|changes| !changes.is_aborted());
            added.push(changes);
        }
        self.adds.notify_one();
    }

    fn added(&self) -> MutexGuard<'_, Vec<Changes>> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
