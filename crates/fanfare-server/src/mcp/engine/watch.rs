//! Change notifications for a client: as an answer that stays open (modern), or unrequested (legacy).

use std::sync::Arc;

use fanfare_mcp::listen::{Interests, Listen, RESOURCES_MAX, acknowledged, torn_down};
use fanfare_mcp::{Error, Outcome};
use futures_util::stream::SelectAll;
use futures_util::{FutureExt, StreamExt};

use crate::mcp::call::Call;
use crate::mcp::caller::Caller;
use crate::mcp::engine::Server;
use crate::mcp::service::Service;
use crate::mcp::session::Session;
use crate::mcp::session::watching::Changes;

impl Server {
    /// Reports changes until the client leaves, its input ends or the server stops.
    pub(super) async fn listen(
        &self,
        call: &Call,
        Listen { notifications }: Listen,
    ) -> Result<Outcome, Error> {
        if notifications.resource_subscriptions.len() > RESOURCES_MAX {
            let problem = format!("a subscription can watch at most {RESOURCES_MAX} resources");
            return Err(Error::invalid_params(problem));
        }
        let (honoured, mut changes) = self.service.watch(&call.caller, &notifications).await?;
        let mut stop = self.stop.clone();
        let tell = async {
            let mut told = call.say(acknowledged(&honoured, &call.id)).await;
            while told.is_ok() {
                // An operator disconnected the caller.
                let Some(change) = changes.next().await else { return };
                told = call.say(change.write(Some(&call.id))).await;
            }
        };
        tokio::select! {
            () = tell => {}
            () = call.input_ended() => {}
            // A client that does not read must not delay the stop: it is informed once there is room.
            () = stop.asked() => drop(call.say(torn_down(&call.id)).now_or_never()),
        }
        Ok(Outcome::listened(&call.id))
    }

    /// Adds a resource to the watch list of a legacy session.
    pub(super) async fn subscribe(
        &self,
        caller: &Caller,
        session: &Session,
        uri: String,
    ) -> Result<Outcome, Error> {
        let wanted = Interests { resource_subscriptions: vec![uri.clone()], ..Interests::default() };
        // The session starts this work, unless it already watches the resource.
        let follow = self.service.watch(caller, &wanted);
        session.watching.add(uri, follow).await?;
        Ok(Outcome::empty())
    }
}

/// Reports changes to a legacy session until the session ends.
pub(super) async fn tell(service: Arc<dyn Service>, session: Arc<Session>, caller: Caller) {
    let watching = &session.watching;
    let lists = Interests {
        tools_list_changed: true,
        prompts_list_changed: true,
        resources_list_changed: true,
        resource_subscriptions: Vec::new(),
    };
    match service.watch(&caller, &lists).await {
        Ok((_, changes)) => watching.add_lists(changes),
        Err(error) => tracing::warn!(%error, "changes of lists cannot be followed for a session"),
    }
    let mut changes: SelectAll<Changes> = SelectAll::new();
    let mut ended = session.ended();
    loop {
        changes.extend(watching.take_added());
        tokio::select! {
            Some(change) = changes.next() => {
                if session.outbox.send(change.write(None)).await.is_err() {
                    return;
                }
            }
            () = watching.more() => {}
            () = ended.asked() => return,
        }
    }
}
