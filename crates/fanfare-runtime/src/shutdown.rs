//! Shutdown as an argument: everything that runs is given the signal to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The trigger that tells others to stop, once; cheap to clone.
#[derive(Debug, Clone)]
pub struct Trigger(watch::Sender<Option<Instant>>);

/// The signal to stop, with the moment that it was given; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<Option<Instant>>);

impl Trigger {
    /// Creates a trigger and its signal.
    pub fn new() -> (Trigger, Shutdown) {
        let (sender, receiver) = watch::channel(None);
        (Trigger(sender), Shutdown(receiver))
    }

    /// Tells everyone to stop.
    pub fn pull(&self) {
        self.0.send_if_modified(|asked| {
            let is_first = asked.is_none();
            asked.get_or_insert_with(Instant::now);
            is_first
        });
    }
}

impl Shutdown {
    /// Waits until it is time to stop. That is also the case if the trigger was dropped: nothing is left to run for.
    pub async fn asked(&mut self) {
        self.since().await;
    }

    /// Waits until `patience` has passed since the stop was asked for: work may still end by itself in that
    /// time. A caller that begins to wait late gets no more time.
    pub async fn asked_for(&mut self, patience: Duration) {
        let since = self.since().await;
        tokio::time::sleep_until(since + patience).await;
    }

    /// Waits until it is time to stop, and returns since when.
    async fn since(&mut self) -> Instant {
        // The guard that is returned must not live across an await.
        let asked = self.0.wait_for(Option::is_some).await.ok().and_then(|asked| *asked);
        // Nobody knows when a trigger was dropped.
        asked.unwrap_or_else(Instant::now)
    }

    /// Returns whether it is time to stop.
    pub fn is_asked(&self) -> bool {
        // As above for a trigger that was dropped.
        self.0.borrow().is_some() || self.0.has_changed().is_err()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Trigger;

    #[tokio::test(start_paused = true)]
    async fn a_late_caller_gets_no_more_time() {
        const PATIENCE: Duration = Duration::from_secs(10);
        let (trigger, stop) = Trigger::new();
        let begun = Instant::now();
        trigger.pull();
        tokio::time::advance(Duration::from_secs(4)).await;
        // A second pull does not restart the time.
        trigger.pull();
        stop.clone().asked_for(PATIENCE).await;
        assert_eq!(begun.elapsed(), PATIENCE);
        stop.clone().asked_for(PATIENCE).await;
        assert_eq!(begun.elapsed(), PATIENCE, "the time was over before");
    }

    #[tokio::test(start_paused = true)]
    async fn a_trigger_that_is_dropped_stops_from_when_it_is_noticed() {
        let (trigger, mut stop) = Trigger::new();
        drop(trigger);
        assert!(stop.is_asked());
        let begun = Instant::now();
        stop.asked_for(Duration::from_secs(1)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
    }
}
