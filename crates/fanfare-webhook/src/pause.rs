//! The state of a webhook: active, or paused with a reason.

use std::time::Duration;

use crate::outcome::{Meaning, Outcome};
use fanfare_core::timestamp::Timestamp;

/// The default time that a webhook may fail without a success: five days outlast a long weekend.
pub const FAILING_MAX_DEFAULT: Duration = Duration::from_secs(5 * 24 * 60 * 60);
/// Minimum number of failed attempts: more than one delivery makes, so that a quiet webhook is not paused for two bad
/// moments a week apart.
pub const FAILURES_MIN: u32 = 12;

/// Whether events are sent to a webhook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// Deliveries are sent.
    #[default]
    Active,
    /// Nothing is sent until someone resumes the webhook. Its events are kept as long as retention keeps them.
    Paused {
        /// The reason.
        reason: PauseReason,
        /// The time since which it is paused.
        since: Timestamp,
    },
}

/// The reason why a webhook is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PauseReason {
    /// Someone paused it.
    ByHand,
    /// Its deliveries failed for days.
    Failing,
    /// The receiver responded with 410: it wants no more events.
    Gone,
}

impl PauseReason {
    /// All reasons.
    pub const ALL: [PauseReason; 3] = [PauseReason::ByHand, PauseReason::Failing, PauseReason::Gone];

    /// Returns the name in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            PauseReason::ByHand => "by_hand",
            PauseReason::Failing => "failing",
            PauseReason::Gone => "gone",
        }
    }

    /// Parses a name that [`PauseReason::as_str`] returned.
    pub fn from_name(name: &str) -> Option<PauseReason> {
        PauseReason::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Explains the reason to a person, and what to do about it.
    pub fn explained(self) -> &'static str {
        match self {
            PauseReason::ByHand => "paused by hand; resume it to continue where it stopped",
            PauseReason::Failing => "failed for days without a success; fix the receiver, then resume it",
            PauseReason::Gone => "the receiver responded with 410 Gone, meaning it wants no more events",
        }
    }
}

/// A webhook's current run of failures. The store keeps it: a restart must not discard the record of days of failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Failing {
    /// The time of the first failure since the last success.
    pub since: Option<Timestamp>,
    /// The number of failures since the last success.
    pub failures: u32,
}

impl Failing {
    /// Records the outcome of an attempt that ended at `now` and returns the reason if the webhook should now be
    /// paused. `longest` is how long it may go without a success.
    pub fn record(&mut self, outcome: Outcome, now: Timestamp, longest: Duration) -> Option<PauseReason> {
        match outcome.meaning() {
            Meaning::Delivered => {
                *self = Failing::default();
                None
            }
            Meaning::Gone => Some(PauseReason::Gone),
            // The receiver is fine; the delivery is too large, or was not sent.
            Meaning::TooLarge | Meaning::Unsendable => None,
            Meaning::TryAgain => {
                // If the clock was set back, the first failure would otherwise be in the future.
                let since = self.since.map_or(now, |since| since.min(now));
                *self = Failing { since: Some(since), failures: self.failures.saturating_add(1) };
                let long = now >= since.after(longest);
                (long && self.failures >= FAILURES_MIN).then_some(PauseReason::Failing)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FAILING_MAX_DEFAULT, FAILURES_MIN, Failing, PauseReason};
    use crate::outcome::{Failure, Outcome};
    use fanfare_core::timestamp::Timestamp;

    const DOWN: Outcome = Outcome::Failed(Failure::Timeout);

    fn start() -> Timestamp {
        Timestamp::from_micros(1_795_132_800_000_000)
    }

    #[test]
    fn a_webhook_that_fails_for_days_is_paused_and_one_success_starts_anew() {
        let hour = |n: u32| start().after(Duration::from_secs(3600) * n);
        let mut failing = Failing::default();
        for n in 0..120 {
            assert_eq!(failing.record(DOWN, hour(n), FAILING_MAX_DEFAULT), None, "{n}");
        }
        let mut recovered = failing;
        assert_eq!(failing.record(DOWN, hour(120), FAILING_MAX_DEFAULT), Some(PauseReason::Failing));
        let up = Outcome::Answered { status: 200, retry_after: None };
        assert_eq!(recovered.record(up, hour(120), FAILING_MAX_DEFAULT), None);
        assert_eq!(recovered, Failing::default());
    }

    #[test]
    fn a_few_failures_far_apart_pause_nothing() {
        let mut failing = Failing::default();
        for n in 0..FAILURES_MIN - 1 {
            assert_eq!(
                failing.record(DOWN, start().after(FAILING_MAX_DEFAULT * n), FAILING_MAX_DEFAULT),
                None
            );
        }
    }

    #[test]
    fn gone_pauses_at_once_and_reasons_read_back() {
        let gone = Outcome::Answered { status: 410, retry_after: None };
        assert_eq!(Failing::default().record(gone, start(), FAILING_MAX_DEFAULT), Some(PauseReason::Gone));
        for reason in PauseReason::ALL {
            assert_eq!(PauseReason::from_name(reason.as_str()), Some(reason));
        }
    }
}
