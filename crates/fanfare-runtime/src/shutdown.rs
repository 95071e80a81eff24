//! Shutdown as an argument: whoever runs is given what tells it to stop.

use tokio::sync::watch;

/// Tells others to stop, once; cheap to clone.
#[derive(Debug, Clone)]
pub struct Trigger(watch::Sender<bool>);

/// Says whether to stop; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Trigger {
    /// Makes a trigger and what it pulls.
    pub fn new() -> (Trigger, Shutdown) {
        let (sender, receiver) = watch::channel(false);
        (Trigger(sender), Shutdown(receiver))
    }

    /// Tells them.
    pub fn pull(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Waits until it is time to stop. A trigger that is gone has nobody left to run for: that is time, too.
    pub async fn asked(&mut self) {
        // The guard that comes back is of no use, and must not live through an await.
        let _ = self.0.wait_for(|stop| *stop).await.is_ok();
    }

    /// Returns whether it is time to stop.
    pub fn is_asked(&self) -> bool {
        // As above for a trigger that is gone.
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
