//! The work for each event besides printing it: running a command or posting a request.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};

use crate::cli::listen::exec::{self, Command};
use crate::cli::listen::forward::{Forward, Forwarded};
use fanfare_client::Received;
use fanfare_core::Position;

/// The work for each event.
#[derive(Debug)]
pub(crate) enum Work {
    /// Run a command.
    Exec(Command),
    /// Post the event.
    Forward(Arc<Forward>),
}

/// The outcome of the work for one event.
#[derive(Debug)]
pub(crate) enum Done {
    /// The command exited or did not start.
    Command(exec::Outcome),
    /// The event was posted, or all attempts failed.
    Forwarded(Box<Received>, Forwarded),
    /// The request that brought the event was posted with an event before it.
    Posted(Position),
}

impl Work {
    /// Starts the work for an event.
    pub(crate) fn begin(&self, event: Received) -> BoxFuture<'static, Done> {
        match self {
            Work::Exec(command) => command.run(event).map(Done::Command).boxed(),
            Work::Forward(forward) => {
                if forward.is_posted(&event) {
                    return std::future::ready(Done::Posted(event.value.id)).boxed();
                }
                let forward = Arc::clone(forward);
                async move {
                    let forwarded = forward.run(&event).await;
                    Done::Forwarded(Box::new(event), forwarded)
                }
                .boxed()
            }
        }
    }
}

impl Done {
    /// Returns the event's id.
    pub(crate) fn id(&self) -> Position {
        match self {
            Done::Command(outcome) => outcome.id,
            Done::Forwarded(event, _) => event.value.id,
            Done::Posted(id) => *id,
        }
    }

    /// Returns a description of what failed, if anything did.
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            Done::Command(outcome) => {
                let problem = outcome.problem.as_ref()?;
                Some(format!("the command for {} {problem}", outcome.id))
            }
            Done::Forwarded(_, forwarded) if forwarded.delivered => None,
            Done::Posted(_) => None,
            Done::Forwarded(event, forwarded) => {
                Some(format!("{} was not delivered: {}", event.value.id, forwarded.said()))
            }
        }
    }
}
