//! Changes that tools cause, on their way to subscribers.

use fanfare_mcp::listen::{Change, Interests};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Maximum changes that a subscriber can lag behind: more than the suite causes. Later ones replace the oldest.
const LAG_MAX: usize = 64;

/// Sends changes to the current subscribers.
#[derive(Debug)]
pub(crate) struct Changes(broadcast::Sender<Change>);

impl Changes {
    /// Creates a sender without subscribers.
    pub(crate) fn new() -> Changes {
        Changes(broadcast::Sender::new(LAG_MAX))
    }

    /// Sends a change to the subscribers.
    pub(crate) fn tell(&self, change: Change) {
        // A lack of subscribers is fine.
        let _ = self.0.send(change);
    }

    /// Follows the `wanted` changes from now on.
    pub(crate) fn follow(&self, wanted: Interests) -> BoxStream<'static, Change> {
        stream::unfold((self.0.subscribe(), wanted), |(mut changes, wanted)| async {
            loop {
                match changes.recv().await {
                    Ok(change) if is_wanted(&change, &wanted) => return Some((change, (changes, wanted))),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
        // Changes never end for the one who listens: the server ends the stream.
        .chain(stream::pending())
        .boxed()
    }
}

fn is_wanted(change: &Change, wanted: &Interests) -> bool {
    match change {
        Change::Prompts => wanted.prompts_list_changed,
        Change::Resource(uri) => wanted.resource_subscriptions.contains(uri),
        Change::Resources => wanted.resources_list_changed,
        Change::Tools => wanted.tools_list_changed,
    }
}
