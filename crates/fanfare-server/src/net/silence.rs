//! The silence of a client that is pinged.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Minimum time that a client has to answer a ping: over a bad mobile network, an answer takes seconds. With a longer
/// interval of pings, a client has that long.
const ANSWER_TIME_MIN: Duration = Duration::from_secs(5);

/// The pings since the last message from a client.
#[derive(Debug)]
pub struct Silence {
    pings: AtomicU32,
    pings_max: u32,
}

impl Silence {
    /// Creates the record for a client that is pinged every `interval`.
    pub fn new(interval: Duration) -> Silence {
        let intervals = ANSWER_TIME_MIN.as_millis().div_ceil(interval.as_millis().max(1));
        Silence { pings: AtomicU32::new(0), pings_max: u32::try_from(intervals).unwrap_or(u32::MAX).max(1) }
    }

    /// Records a message from the client.
    pub fn end(&self) {
        self.pings.store(0, Ordering::Relaxed);
    }

    /// Records that a ping is due. Fails if the client has had the time to answer the ones before.
    pub fn ping(&self) -> Result<(), Unanswered> {
        match self.pings.fetch_add(1, Ordering::Relaxed) < self.pings_max {
            true => Ok(()),
            false => Err(Unanswered),
        }
    }
}

/// The client does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unanswered;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Silence, Unanswered};

    #[test]
    fn a_client_has_one_interval_to_answer_and_at_least_five_seconds() {
        for (millis, pings) in [(1_000, 5), (2_000, 3), (10_000, 1), (300_000, 1)] {
            let silence = Silence::new(Duration::from_millis(millis));
            for _ in 0..2 {
                assert!((0..pings).all(|_| silence.ping().is_ok()), "{millis}");
                silence.end();
            }
            assert!((0..pings).all(|_| silence.ping().is_ok()), "{millis}");
            assert_eq!(silence.ping(), Err(Unanswered), "{millis}");
        }
    }
}
