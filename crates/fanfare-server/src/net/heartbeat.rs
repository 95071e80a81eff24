//! The heartbeat: one timer for all connections that a task serves.

use std::time::Duration;

use tokio::sync::watch;

use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

/// Beats at a fixed interval.
#[derive(Debug)]
pub struct Heartbeat {
    interval: Duration,
    beats: watch::Sender<u64>,
}

/// A stream of beats; cheap to clone. A clone waits for the beats after its creation: a beat from before must not make
/// a connection look silent.
#[derive(Debug)]
pub struct Beats(watch::Receiver<u64>);

impl Heartbeat {
    /// Creates the timer and the stream of its beats.
    pub fn new(interval: Duration) -> (Heartbeat, Beats) {
        let (beats, receiver) = watch::channel(0);
        (Heartbeat { interval, beats }, Beats(receiver))
    }
}

impl Work for Heartbeat {
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        let mut interval = tokio::time::interval(self.interval);
        loop {
            tokio::select! {
                _ = interval.tick() => self.beats.send_modify(|beats| *beats += 1),
                () = stop.asked() => return Ok(()),
            }
        }
    }
}

impl Clone for Beats {
    fn clone(&self) -> Beats {
        let mut beats = self.0.clone();
        beats.mark_unchanged();
        Beats(beats)
    }
}

impl Beats {
    /// Waits for the next beat; forever if the timer has stopped.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
