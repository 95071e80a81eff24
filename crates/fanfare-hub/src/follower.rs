//! The follower: one per process, hands what was committed to the feeds.

use crate::Hub;
use fanfare_runtime::shutdown::Shutdown;
use fanfare_store as store;
use fanfare_store::Follow;

/// Hands what was committed to the feeds.
#[derive(Debug)]
pub struct Follower {
    hub: Hub,
    follow: Follow,
}

impl Follower {
    pub(super) fn new(hub: Hub, follow: Follow) -> Follower {
        Follower { hub, follow }
    }

    /// Runs until `stop` turns true, or the store cannot be read.
    pub async fn run(mut self, mut stop: Shutdown) -> Result<(), store::Error> {
        loop {
            tokio::select! {
                batch = self.follow.next(self.hub.store()) => self.hub.deliver(&batch?),
                () = stop.asked() => return Ok(()),
            }
        }
    }
}
