//! How many connections to receivers are open at a time, over all webhooks: each costs a descriptor.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most connections when nothing is said: with more on their way at once, a machine has other things to wait for.
pub const SOCKETS_MAX: usize = 4_096;

/// The connections that may be open.
#[derive(Debug, Clone)]
pub struct Sockets {
    free: Arc<Semaphore>,
    /// Connections that nothing is sent over leave so many to those who have something to send.
    reserved: usize,
}

/// Allows one connection, until it is dropped.
#[derive(Debug)]
pub struct Socket {
    sockets: Sockets,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Sockets {
    /// Allows `most` connections, at least one.
    pub fn new(most: usize) -> Sockets {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Sockets { free: Arc::new(Semaphore::new(most)), reserved: most.div_ceil(4) }
    }

    /// Waits for its turn.
    pub(super) async fn take(&self) -> Socket {
        // Nobody closes the semaphore.
        let permit = Arc::clone(&self.free).acquire_owned().await.ok();
        Socket { sockets: self.clone(), _permit: permit }
    }
}

impl Socket {
    /// Says whether enough are left for others.
    pub(super) fn are_others_left(&self) -> bool {
        self.sockets.free.available_permits() >= self.sockets.reserved
    }
}
