//! Changes that tools cause, on their way to whoever listens.

use fanfare_mcp::listen::{Change, Interests};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Most changes that a listener may lag behind: more than the suite causes. Later ones replace the oldest.
const LAG_MAX: usize = 64;

/// Tells changes; to nobody, when nobody listens.
#[derive(Debug)]
pub(crate) struct Changes(broadcast::Sender<Change>);

impl Changes {
    /// Begins with none.
    pub(crate) fn new() -> Changes {
        Changes(broadcast::Sender::new(LAG_MAX))
    }

    /// Tells whoever listens.
    pub(crate) fn tell(&self, change: Change) {
        // That nobody listens is fine.
        let _ = self.0.send(change);
    }

    /// Follows what of the changes is `wanted`, from now on.
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
