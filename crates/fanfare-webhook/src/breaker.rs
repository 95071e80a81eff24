//! The circuit breaker of one webhook: while its receiver is down, deliveries wait instead of each finding that out.
//!
//! This module has values and transitions; the dispatcher keeps them and provides the time. A restart starts closed.

use std::time::Duration;

use crate::outcome::{Meaning, Outcome};
use fanfare_core::timestamp::Timestamp;

/// The number of failures in a row that open the breaker; one slow minute of a receiver does not.
pub const FAILURES_MAX: u32 = 5;
/// The default time that the breaker stays open at first; it doubles each time that a probe fails.
pub const OPEN_FIRST: Duration = Duration::from_secs(15);
/// Maximum time that the breaker stays open on its own: a receiver that is back waits no longer than this.
pub const OPEN_MAX: Duration = Duration::from_secs(5 * 60);
/// The time after which another probe is let through: longer than any attempt may take, in case its end is never
/// reported.
pub const PROBE_MAX: Duration = Duration::from_secs(90);

/// The state of one webhook's breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Breaker {
    /// Deliveries are sent.
    Closed {
        /// The number of failures since the last success.
        failures: u32,
    },
    /// One delivery is in flight as a probe.
    HalfOpen {
        /// The time at which the probe counts as lost.
        probe_until: Timestamp,
        /// The number of times that the breaker opened since the last success.
        openings: u32,
    },
    /// Deliveries wait.
    Open {
        /// The time until which they wait.
        until: Timestamp,
        /// The number of times that the breaker opened since the last success.
        openings: u32,
    },
}

/// Whether a delivery may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Admission {
    /// Send it.
    Go,
    /// Let this one through as a probe: its outcome decides for the rest.
    Probe,
    /// Not before this moment.
    Wait {
        /// The time at which to ask again.
        until: Timestamp,
    },
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Asks to send a delivery at `now`. After `Probe`, all others wait until the probe's outcome is reported.
    pub fn admit(&mut self, now: Timestamp) -> Admission {
        match *self {
            Breaker::Closed { .. } => Admission::Go,
            Breaker::HalfOpen { probe_until: until, .. } | Breaker::Open { until, .. } if now < until => {
                Admission::Wait { until }
            }
            Breaker::HalfOpen { openings, .. } | Breaker::Open { openings, .. } => {
                *self = Breaker::HalfOpen { probe_until: now.after(PROBE_MAX), openings };
                Admission::Probe
            }
        }
    }

    /// Records the outcome of an attempt that ended at `now`; `first` is the time that the breaker stays open at first.
    /// If the receiver refuses the delivery itself (413), it is up, which counts as a success. If nothing could be sent,
    /// another delivery is the probe.
    pub fn record(&mut self, outcome: Outcome, now: Timestamp, first: Duration) {
        match outcome.meaning() {
            Meaning::Delivered | Meaning::TooLarge => *self = Breaker::default(),
            Meaning::Unsendable => {
                if let Breaker::HalfOpen { openings, .. } = *self {
                    *self = Breaker::Open { until: now, openings };
                }
            }
            Meaning::Gone | Meaning::TryAgain => *self = self.failed(outcome.hold_until(), now, first),
        }
    }

    fn failed(self, hold_until: Option<Timestamp>, now: Timestamp, first: Duration) -> Breaker {
        let (mut failed, held) = match self {
            Breaker::Closed { failures } if failures + 1 < FAILURES_MAX => {
                (Breaker::Closed { failures: failures + 1 }, 0)
            }
            Breaker::Closed { .. } => (opened(1, now, first), 1),
            Breaker::HalfOpen { openings, .. } => {
                (opened(openings.saturating_add(1), now, first), openings + 1)
            }
            // The end of an attempt that started before the breaker opened says nothing new.
            Breaker::Open { openings, .. } => (self, openings),
        };
        if let Some(wished) = hold_until.filter(|wished| *wished > now) {
            let until = match failed {
                Breaker::Open { until, .. } => until.max(wished),
                Breaker::Closed { .. } | Breaker::HalfOpen { .. } => wished,
            };
            failed = Breaker::Open { until, openings: held };
        }
        failed
    }
}

fn opened(openings: u32, now: Timestamp, first: Duration) -> Breaker {
    let doublings = openings.saturating_sub(1).min(16);
    Breaker::Open { until: now.after(first.saturating_mul(1 << doublings).min(OPEN_MAX)), openings }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Admission, Breaker, FAILURES_MAX, OPEN_FIRST, OPEN_MAX, PROBE_MAX};
    use crate::outcome::{Failure, Outcome};
    use crate::retry_after::{RETRY_AFTER_MAX, RetryAfter};
    use fanfare_core::timestamp::Timestamp;

    const DOWN: Outcome = Outcome::Failed(Failure::ConnectionRefused);
    const UP: Outcome = Outcome::Answered { status: 200, retry_after: None };

    fn start() -> Timestamp {
        Timestamp::from_micros(1_795_132_800_000_000)
    }

    #[test]
    fn it_opens_lets_one_through_and_closes_when_that_arrives() {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES_MAX {
            breaker.record(DOWN, start(), OPEN_FIRST);
            assert_eq!(breaker.admit(start()), Admission::Go);
        }
        breaker.record(DOWN, start(), OPEN_FIRST);
        let until = start().after(OPEN_FIRST);
        assert_eq!(breaker.admit(start()), Admission::Wait { until });
        assert_eq!(breaker.admit(until), Admission::Probe);
        assert!(matches!(breaker.admit(until), Admission::Wait { .. }), "one probe at a time");
        breaker.record(DOWN, until, OPEN_FIRST);
        let again = until.after(OPEN_FIRST * 2);
        assert_eq!(breaker.admit(until), Admission::Wait { until: again });
        assert_eq!(breaker.admit(again), Admission::Probe);
        breaker.record(UP, again, OPEN_FIRST);
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn a_probe_whose_end_nobody_reports_is_followed_by_another() {
        let mut breaker = Breaker::Open { until: start(), openings: 1 };
        assert_eq!(breaker.admit(start()), Admission::Probe);
        assert_eq!(breaker.admit(start().after(PROBE_MAX)), Admission::Probe);
    }

    #[test]
    fn a_receiver_that_asks_for_quiet_gets_it_at_once() {
        let mut breaker = Breaker::default();
        let wished = start().after(Duration::from_secs(3600));
        let asked = |is_for_all| Some(RetryAfter { at: wished, is_for_all });
        let of_one = Outcome::Answered { status: 429, retry_after: asked(false) };
        breaker.record(of_one, start(), OPEN_FIRST);
        assert_eq!(breaker.admit(start()), Admission::Go, "one delivery waits, the others do not");
        let of_all = Outcome::Answered { status: 429, retry_after: asked(true) };
        breaker.record(of_all, start(), OPEN_FIRST);
        assert_eq!(breaker.admit(start()), Admission::Wait { until: wished });
        breaker.record(DOWN, start(), OPEN_FIRST);
        assert_eq!(breaker.admit(start()), Admission::Wait { until: wished }, "an older attempt ends");
    }

    proptest! {
        #[test]
        fn nothing_waits_for_ever(steps in prop::collection::vec((0..4u8, 0..100_000u64), 0..200)) {
            let (mut breaker, mut now) = (Breaker::default(), start());
            for (step, seconds) in steps {
                now = now.after(Duration::from_secs(seconds));
                let at = now.after(Duration::from_secs(seconds)).min(now.after(RETRY_AFTER_MAX));
                let wished = Some(RetryAfter { at, is_for_all: true });
                match step {
                    0 => breaker.record(UP, now, OPEN_FIRST),
                    1 => breaker.record(DOWN, now, OPEN_FIRST),
                    2 => breaker.record(Outcome::Answered { status: 503, retry_after: wished }, now, OPEN_FIRST),
                    _ => {}
                }
                if let Admission::Wait { until } = breaker.admit(now) {
                    prop_assert!(until > now && until <= now.after(RETRY_AFTER_MAX.max(OPEN_MAX)));
                }
            }
            let later = now.after(RETRY_AFTER_MAX);
            let waits = matches!(breaker.admit(later), Admission::Wait { .. });
            prop_assert!(!waits);
        }
    }
}
