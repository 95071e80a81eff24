//! Shutdown as an argument: everything that runs is given the signal to stop.

use std::time::Duration;

use tokio::sync::watch;

/// The trigger that tells others to stop, once; cheap to clone.
#[derive(Debug, Clone)]
pub struct Trigger(watch::Sender<bool>);

/// The signal to stop; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Trigger {
    /// Creates a trigger and its signal.
    pub fn new() -> (Trigger, Shutdown) {
        let (sender, receiver) = watch::channel(false);
        (Trigger(sender), Shutdown(receiver))
    }

    /// Tells everyone to stop.
    pub fn pull(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Waits until it is time to stop. That is also the case if the trigger was dropped: nothing is left to run for.
    pub async fn asked(&mut self) {
        // The guard that is returned has no use, and must not live across an await.
        let _ = self.0.wait_for(|stop| *stop).await.is_ok();
    }

    /// Waits until `patience` has passed since the stop was asked for: work may still end by itself in that
    /// time.
    pub async fn asked_for(&mut self, patience: Duration) {
        self.asked().await;
        tokio::time::sleep(patience).await;
    }

    /// Returns whether it is time to stop.
    pub fn is_asked(&self) -> bool {
        // As above for a trigger that was dropped.
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
