//! The heartbeat: one timer for all connections that a task serves. Each beats at an interval, and those with the same
//! interval are woken together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use fanfare_runtime::parts::{Outcome, Work};
use fanfare_runtime::shutdown::Shutdown;

/// Beats at the intervals that are in use.
#[derive(Debug)]
pub struct Heartbeat(Arc<Rhythms>);

/// A stream of beats at one interval; cheap to clone. A clone waits for the beats after its creation: a beat from before
/// must not make a connection look silent.
#[derive(Debug)]
pub struct Beats {
    rhythms: Arc<Rhythms>,
    interval: Duration,
    receiver: watch::Receiver<u64>,
}

#[derive(Debug)]
struct Rhythms {
    /// Guards the rhythms by interval; held to add one or to beat. There are few: clients choose among [whole
    /// seconds](fanfare_core::keepalive), and a rhythm that nobody follows is removed.
    table: Mutex<BTreeMap<Duration, Rhythm>>,
    /// Wakes the timer for a new rhythm, which may be due before all others.
    added: Notify,
}

#[derive(Debug)]
struct Rhythm {
    beats: watch::Sender<u64>,
    due: Instant,
}

impl Heartbeat {
    /// Creates the timer, and the stream of the beats at `interval`.
    pub fn new(interval: Duration) -> (Heartbeat, Beats) {
        let rhythms = Arc::new(Rhythms { table: Mutex::default(), added: Notify::new() });
        let beats = rhythms.follow(interval);
        (Heartbeat(rhythms), beats)
    }
}

impl Work for Heartbeat {
    async fn run(&mut self, mut stop: Shutdown) -> Outcome {
        loop {
            let next = self.0.beat(Instant::now());
            let due = async {
                match next {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.0.added.notified() => {}
                () = stop.asked() => return Ok(()),
            }
        }
    }
}

impl Rhythms {
    fn table(&self) -> MutexGuard<'_, BTreeMap<Duration, Rhythm>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(self: &Arc<Rhythms>, interval: Duration) -> Beats {
        let receiver = {
            let mut table = self.table();
            let rhythm = table.entry(interval).or_insert_with(|| {
                self.added.notify_one();
                Rhythm { beats: watch::channel(0).0, due: Instant::now() + interval }
            });
            rhythm.beats.subscribe()
        };
        Beats { rhythms: Arc::clone(self), interval, receiver }
    }

    /// Beats every rhythm that is due; returns when the next one is.
    fn beat(&self, now: Instant) -> Option<Instant> {
        let mut table = self.table();
        table.retain(|_, rhythm| rhythm.beats.receiver_count() > 0);
        for (interval, rhythm) in table.iter_mut().filter(|(_, rhythm)| rhythm.due <= now) {
            rhythm.beats.send_modify(|beats| *beats += 1);
            rhythm.due = now + *interval;
        }
        table.values().map(|rhythm| rhythm.due).min()
    }
}

impl Clone for Beats {
    fn clone(&self) -> Beats {
        let mut receiver = self.receiver.clone();
        receiver.mark_unchanged();
        Beats { rhythms: Arc::clone(&self.rhythms), interval: self.interval, receiver }
    }
}

impl Beats {
    /// Returns the interval.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Returns the beats at another interval, of the same timer.
    pub fn every(&self, interval: Duration) -> Beats {
        self.rhythms.follow(interval)
    }

    /// Waits for the next beat; forever if the timer has stopped.
    pub async fn next(&mut self) {
        if self.receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fanfare_runtime::parts::Work;
    use fanfare_runtime::shutdown::Trigger;
    use tokio::time::Instant;

    use super::Heartbeat;

    #[tokio::test(start_paused = true)]
    async fn each_interval_has_beats_of_its_own_and_leaves_with_its_last_follower() {
        let (mut heart, mut slow) = Heartbeat::new(Duration::from_secs(30));
        let rhythms = std::sync::Arc::clone(&heart.0);
        let (_trigger, stop) = Trigger::new();
        let story = async {
            // The timer sleeps for 30 s when the other rhythm is added.
            tokio::task::yield_now().await;
            let started = Instant::now();
            let mut quick = slow.every(Duration::from_secs(1));
            for second in 1..=3 {
                quick.next().await;
                assert_eq!(started.elapsed().as_secs(), second);
            }
            drop(quick);
            slow.next().await;
            assert_eq!(started.elapsed().as_secs(), 30);
            assert_eq!(rhythms.table().len(), 1);
        };
        tokio::select! {
            _ = heart.run(stop) => panic!("it beats until it is asked to stop"),
            () = story => {}
        }
    }
}
