//! What a legacy session hears of unasked: changes of lists, and of the resources it named.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fanfare_mcp::Error;
use fanfare_mcp::listen::{Change, RESOURCES_MAX, Wanted};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::sync::Notify;

use crate::mcp::caller::Caller;
use crate::mcp::service::Service;
use crate::mcp::session::Session;

/// What a session hears of.
#[derive(Default)]
pub struct Watching {
    /// The resources, by address. Held while the service begins to follow them, so that the newest wish wins.
    resources: tokio::sync::Mutex<Vec<String>>,
    /// The changes that are to be told from now on; taken by [`tell`].
    next: Mutex<Option<BoxStream<'static, Change>>>,
    replaced: Notify,
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
        if resources.contains(&uri) {
            return Ok(());
        }
        if resources.len() >= RESOURCES_MAX {
            let problem = format!("a session hears of at most {RESOURCES_MAX} resources");
            return Err(Error::invalid_params(problem));
        }
        resources.push(uri);
        if let Err(error) = self.follow(service, caller, &resources).await {
            resources.pop();
            return Err(error);
        }
        Ok(())
    }

    /// Removes a resource; one that is not there is let be.
    pub async fn remove(&self, service: &dyn Service, caller: &Caller, uri: &str) -> Result<(), Error> {
        let mut resources = self.resources.lock().await;
        resources.retain(|known| known != uri);
        self.follow(service, caller, &resources).await
    }

    async fn follow(
        &self,
        service: &dyn Service,
        caller: &Caller,
        resources: &[String],
    ) -> Result<(), Error> {
        let wanted = Wanted {
            tools_list_changed: true,
            prompts_list_changed: true,
            resources_list_changed: true,
            resource_subscriptions: resources.to_vec(),
        };
        let (_, changes) = service.watch(caller, &wanted).await?;
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(changes);
        self.replaced.notify_one();
        Ok(())
    }

    fn take(&self) -> Option<BoxStream<'static, Change>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Tells a session what changes until it ends.
pub async fn tell(service: Arc<dyn Service>, session: Arc<Session>, caller: Caller) {
    let watching = &session.watching;
    {
        let resources = watching.resources.lock().await;
        if let Err(error) = watching.follow(&*service, &caller, &resources).await {
            tracing::warn!(%error, "changes cannot be followed for a session");
        }
    }
    let mut changes: BoxStream<'static, Change> = futures_util::stream::pending().boxed();
    let mut ended = session.ended();
    loop {
        if let Some(next) = watching.take() {
            changes = next;
        }
        tokio::select! {
            Some(change) = changes.next() => {
                if session.outbox.send(change.write(None)).await.is_err() {
                    return;
                }
            }
            () = watching.replaced.notified() => {}
            () = ended.asked() => return,
        }
    }
}
