//! The number of connections to receivers that are open at a time, over all webhooks: each costs a descriptor.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum connections by default: with more concurrent requests, the machine has other bottlenecks.
pub const SOCKETS_MAX: usize = 4_096;

/// The permits for open connections.
#[derive(Debug, Clone)]
pub struct Sockets {
    free: Arc<Semaphore>,
    /// The number of permits that idle connections leave free for requests.
    reserved: usize,
}

/// A permit for one connection, held until it is dropped.
#[derive(Debug)]
pub struct Socket {
    sockets: Sockets,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Sockets {
    /// Creates `most` permits, at least one.
    pub fn new(most: usize) -> Sockets {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Sockets { free: Arc::new(Semaphore::new(most)), reserved: most.div_ceil(4) }
    }

    /// Waits for a permit.
    pub(super) async fn take(&self) -> Socket {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.free).acquire_owned().await.ok();
        Socket { sockets: self.clone(), _permit: permit }
    }
}

impl Socket {
    /// Returns `true` if enough permits are left for others.
    pub(super) fn are_others_left(&self) -> bool {
        self.sockets.free.available_permits() >= self.sockets.reserved
    }
}
