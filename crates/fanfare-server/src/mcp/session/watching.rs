//! What a legacy session hears of unasked: changes of lists, and of the resources it named.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_mcp::Error;
use fanfare_mcp::listen::{Change, RESOURCES_MAX, Wanted};
use futures_util::StreamExt;
use futures_util::stream::{AbortHandle, Abortable, BoxStream, SelectAll, abortable};
use serde_json::json;
use tokio::sync::Notify;

use crate::mcp::caller::Caller;
use crate::mcp::service::Service;
use crate::mcp::session::Session;

/// Changes, until the client no longer wants to hear of them.
type Changes = Abortable<BoxStream<'static, Change>>;

/// What a session hears of. Each resource is followed by itself: what is yet to be told of one is not lost when the
/// client asks for another.
#[derive(Default)]
pub struct Watching {
    /// The resources, by address, with what ends each. Held while the service begins to follow one, so that the newest
    /// wish wins.
    resources: tokio::sync::Mutex<HashMap<String, AbortHandle>>,
    /// What is to be told as well from now on; taken by [`tell`]. At most one for each of `resources`.
    added: Mutex<Vec<Changes>>,
    adds: Notify,
    begun: AtomicBool,
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").finish_non_exhaustive()
    }
}

impl Watching {
    /// Says, once, that somebody must [`tell`].
    pub fn begin(&self) -> bool {
        !self.begun.swap(true, Ordering::Relaxed)
    }

    /// Adds a resource. What changes from now on is told.
    pub async fn add(&self, service: &dyn Service, caller: &Caller, uri: String) -> Result<(), Error> {
        let mut resources = self.resources.lock().await;
        if resources.contains_key(&uri) {
            return Ok(());
        }
        if resources.len() >= RESOURCES_MAX {
            let problem = format!("a session hears of at most {RESOURCES_MAX} resources");
            return Err(Error::invalid_params(problem));
        }
        let wanted = Wanted { resource_subscriptions: vec![uri.clone()], ..Wanted::default() };
        let (honoured, changes) = service.watch(caller, &wanted).await?;
        if !honoured.resource_subscriptions.contains(&uri) {
            let problem = "this resource cannot be subscribed to: there is no such address, or what is there never changes";
            return Err(Error::invalid_params(problem).with(json!({ "uri": uri })));
        }
        let (changes, end) = abortable(changes);
        resources.insert(uri, end);
        self.tell_also(changes);
        Ok(())
    }

    /// Removes a resource; one that is not there is let be.
    pub async fn remove(&self, uri: &str) {
        if let Some(end) = self.resources.lock().await.remove(uri) {
            end.abort();
        }
    }

    fn tell_also(&self, changes: Changes) {
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

/// Tells a session what changes until it ends.
pub async fn tell(service: Arc<dyn Service>, session: Arc<Session>, caller: Caller) {
    let watching = &session.watching;
    let lists = Wanted {
        tools_list_changed: true,
        prompts_list_changed: true,
        resources_list_changed: true,
        resource_subscriptions: Vec::new(),
    };
    match service.watch(&caller, &lists).await {
        Ok((_, changes)) => watching.tell_also(abortable(changes).0),
        Err(error) => tracing::warn!(%error, "changes of lists cannot be followed for a session"),
    }
    let mut changes: SelectAll<Changes> = SelectAll::new();
    let mut ended = session.ended();
    loop {
        changes.extend(watching.added().drain(..));
        tokio::select! {
            Some(change) = changes.next() => {
                if session.outbox.send(change.write(None)).await.is_err() {
                    return;
                }
            }
            () = watching.adds.notified() => {}
            () = ended.asked() => return,
        }
    }
}
