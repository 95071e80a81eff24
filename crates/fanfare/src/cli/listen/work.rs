//! What is done with each event besides showing it: a command, or a request.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};

use crate::cli::listen::exec::{self, Command};
use crate::cli::listen::forward::{Forward, Forwarded};
use fanfare_client::Received;
use fanfare_core::Position;

/// What is done with each event.
#[derive(Debug)]
pub(crate) enum Work {
    /// A command is run.
    Exec(Command),
    /// It is posted.
    Forward(Arc<Forward>),
}

/// What was done with an event.
#[derive(Debug)]
pub(crate) enum Done {
    /// A command ended.
    Command(exec::Ended),
    /// It was posted, or not.
    Forwarded(Box<Received>, Forwarded),
}

impl Work {
    /// Begins with an event.
    pub(crate) fn begin(&self, event: Received) -> BoxFuture<'static, Done> {
        match self {
            Work::Exec(command) => command.run(event).map(Done::Command).boxed(),
            Work::Forward(forward) => {
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
    /// Gives the event's id.
    pub(crate) fn id(&self) -> Position {
        match self {
            Done::Command(ended) => ended.id,
            Done::Forwarded(event, _) => event.value.id,
        }
    }

    /// Gives what went wrong, as the end of a sentence on the event.
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            Done::Command(ended) => {
                let problem = ended.problem.as_ref()?;
                Some(format!("the command for {} {problem}", ended.id))
            }
            Done::Forwarded(_, forwarded) if forwarded.delivered => None,
            Done::Forwarded(event, forwarded) => {
                Some(format!("{} was not taken: {}", event.value.id, forwarded.said()))
            }
        }
    }
}
