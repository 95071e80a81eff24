//! Retry schedules: when a failed delivery is retried, and when not.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::outcome::{Meaning, Outcome};
use fanfare_core::code::Code;
use fanfare_core::duration;
use fanfare_core::invalid::{Invalid, shown};
use fanfare_core::timestamp::Timestamp;

/// Maximum delays of a schedule: 33 attempts. Another attempt does not help a receiver that has failed so often.
pub const DELAYS_MAX: usize = 32;
/// Minimum delay: an immediate retry only repeats what just went wrong.
pub const DELAY_MIN: Duration = Duration::from_millis(10);
/// Maximum delay.
pub const DELAY_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Maximum length of a schedule, the sum of its delays: by then a person has to look at it.
pub const SCHEDULE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The range by which a delay varies to either side, in percent: deliveries that failed together are not retried
/// together.
pub const JITTER_PERCENT: u32 = 20;

/// The delays between attempts. As one text, in the store and on the command line: `5s,5m,30m`, or `none` for a single
/// attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RetrySchedule(
    /// At most [`DELAYS_MAX`], each [`DELAY_MIN`] to [`DELAY_MAX`] in whole milliseconds, at most [`SCHEDULE_MAX`]
    /// together.
    Box<[Duration]>,
);

/// The decision about a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The delivery has failed: it is not retried, but kept so that people can look at it and replay it.
    Fail(FailReason),
    /// The delivery arrived.
    Delivered,
    /// The delivery is retried.
    Retry {
        /// The earliest time of the retry.
        at: Timestamp,
    },
}

/// The reason why a delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailReason {
    /// The last attempt of the schedule failed.
    Exhausted,
    /// The receiver wants no more events (410): the webhook is also disabled.
    Gone,
    /// The receiver will never accept the delivery (413).
    TooLarge,
    /// The template makes no body of the event.
    Unsendable,
}

impl FailReason {
    /// All reasons.
    pub const ALL: [FailReason; 4] =
        [FailReason::Exhausted, FailReason::Gone, FailReason::TooLarge, FailReason::Unsendable];

    /// Returns the name in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            FailReason::Exhausted => "exhausted",
            FailReason::Gone => "gone",
            FailReason::TooLarge => "too_large",
            FailReason::Unsendable => "unsendable",
        }
    }

    /// Parses a name that [`FailReason::as_str`] returned.
    pub fn from_name(name: &str) -> Option<FailReason> {
        FailReason::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

impl RetrySchedule {
    /// Creates a schedule from `delays`, truncated to whole milliseconds. Fails if a bound is exceeded.
    pub fn new(delays: impl IntoIterator<Item = Duration>) -> Result<RetrySchedule, Invalid> {
        let refuse = |what: String, fix: &'static str| Err(Invalid::new(Code::InvalidWebhook, what, fix));
        let mut kept = Vec::new();
        let mut total = Duration::ZERO;
        for delay in delays {
            if kept.len() == DELAYS_MAX {
                return refuse("the schedule has more than 32 delays".to_owned(), "use at most 32");
            }
            if !(DELAY_MIN..=DELAY_MAX).contains(&delay) {
                return refuse(
                    format!("the schedule has the delay `{}`", duration::show(delay)),
                    "use delays from `10ms` to `7d`",
                );
            }
            let delay = Duration::from_millis(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
            total = total.saturating_add(delay);
            kept.push(delay);
        }
        if total > SCHEDULE_MAX {
            return refuse(
                format!("the schedule adds up to {}", duration::show(total)),
                "use at most `30d` in total",
            );
        }
        Ok(RetrySchedule(kept.into()))
    }

    /// Returns the delays: the first is the one between the first attempt and the second.
    pub fn delays(&self) -> &[Duration] {
        &self.0
    }

    /// Returns the maximum number of attempts, at least 1.
    pub fn attempts_max(&self) -> u32 {
        self.0.len() as u32 + 1
    }

    /// Decides after attempt number `attempt` (the first is 1), which ended at `now` with `outcome`. `random` is any
    /// evenly distributed number: it decides where within ±20 % the delay lies. The receiver's `Retry-After` counts if
    /// it is later; `retry_after::parse` has capped it.
    pub fn judge(&self, attempt: u32, outcome: Outcome, now: Timestamp, random: u32) -> Verdict {
        match outcome.meaning() {
            Meaning::Delivered => Verdict::Delivered,
            Meaning::Gone => Verdict::Fail(FailReason::Gone),
            Meaning::TooLarge => Verdict::Fail(FailReason::TooLarge),
            Meaning::Unsendable => Verdict::Fail(FailReason::Unsendable),
            Meaning::TryAgain => {
                let index = attempt.saturating_sub(1) as usize;
                let Some(delay) = self.0.get(index) else {
                    return Verdict::Fail(FailReason::Exhausted);
                };
                let planned = now.after(jittered(*delay, random));
                let asked = match outcome {
                    Outcome::Answered { retry_after, .. } => retry_after.map(|asked| asked.at),
                    Outcome::Failed(_) => None,
                };
                Verdict::Retry { at: asked.map_or(planned, |asked| asked.max(planned)) }
            }
        }
    }
}

/// Draws a delay from 80 % to 120 % of `delay`.
fn jittered(delay: Duration, random: u32) -> Duration {
    let micros = delay.as_micros();
    let spread = micros * 2 * u128::from(JITTER_PERCENT) / 100;
    let drawn = spread * u128::from(random) / u128::from(u32::MAX);
    let least = micros - spread / 2;
    Duration::from_micros(u64::try_from(least + drawn).unwrap_or(u64::MAX))
}

impl Default for RetrySchedule {
    /// Returns the delays of Standard Webhooks up to 28 hours: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h.
    fn default() -> RetrySchedule {
        let seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
        RetrySchedule(seconds.map(Duration::from_secs).into())
    }
}

impl FromStr for RetrySchedule {
    type Err = Invalid;

    /// Parses durations separated by commas, ignoring spaces around them, or `none`.
    fn from_str(text: &str) -> Result<RetrySchedule, Invalid> {
        if text.trim() == "none" {
            return Ok(RetrySchedule(Box::default()));
        }
        let delays = text.split(',').take(DELAYS_MAX + 1).map(|delay| duration::parse(delay.trim()));
        let delays: Result<Vec<Duration>, Invalid> = delays.collect();
        RetrySchedule::new(delays.map_err(|_| {
            Invalid::new(
                Code::InvalidWebhook,
                format!("`{}` is not a retry schedule", shown(text)),
                "write durations such as `5s,5m,30m`, or `none`",
            )
        })?)
    }
}

impl fmt::Display for RetrySchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, delay) in self.0.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { "," }, duration::show(*delay))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{DELAYS_MAX, FailReason, RetrySchedule, Verdict};
    use crate::outcome::{Failure, Outcome};
    use crate::retry_after::RetryAfter;
    use fanfare_core::timestamp::Timestamp;

    fn now() -> Timestamp {
        Timestamp::from_micros(1_795_132_800_000_000)
    }

    fn answered(status: u16) -> Outcome {
        Outcome::Answered { status, retry_after: None }
    }

    #[test]
    fn the_default_is_eight_attempts_over_28_hours() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.to_string(), "5s,5m,30m,2h,5h,10h,10h");
        assert_eq!(schedule.attempts_max(), 8);
        let total: Duration = schedule.delays().iter().sum();
        assert_eq!(total.as_secs() / 3600, 27);
        for attempt in 1..=7 {
            let verdict = schedule.judge(attempt, answered(500), now(), 0);
            assert!(matches!(verdict, Verdict::Retry { .. }), "{attempt}");
        }
        for attempt in [8, 9, u32::MAX] {
            let verdict = schedule.judge(attempt, Outcome::Failed(Failure::Timeout), now(), 0);
            assert_eq!(verdict, Verdict::Fail(FailReason::Exhausted));
        }
    }

    #[test]
    fn two_statuses_end_it_and_a_redirect_does_not() {
        let schedule = RetrySchedule::default();
        let judge = |outcome| schedule.judge(1, outcome, now(), u32::MAX / 2);
        assert_eq!(judge(answered(204)), Verdict::Delivered);
        assert_eq!(judge(answered(410)), Verdict::Fail(FailReason::Gone));
        assert_eq!(judge(answered(413)), Verdict::Fail(FailReason::TooLarge));
        for status in [301, 304, 404, 429, 500] {
            assert!(matches!(judge(answered(status)), Verdict::Retry { .. }), "{status}");
        }
    }

    #[test]
    fn the_later_of_schedule_and_retry_after_counts() {
        let schedule: RetrySchedule = "10s".parse().expect("a schedule");
        for (asked, waited) in [(5, 12), (60, 60)] {
            let at = now().after(Duration::from_secs(asked));
            let retry_after = Some(RetryAfter { at, is_for_all: false });
            let verdict = schedule.judge(1, Outcome::Answered { status: 503, retry_after }, now(), u32::MAX);
            assert_eq!(verdict, Verdict::Retry { at: now().after(Duration::from_secs(waited)) });
        }
    }

    #[test]
    fn schedules_past_the_bounds_are_refused() {
        let many = vec!["1s"; DELAYS_MAX];
        assert!(many.join(",").parse::<RetrySchedule>().is_ok());
        let too_many = vec!["1s"; DELAYS_MAX + 1].join(",");
        let too_long = ["7d"; 5].join(",");
        for text in ["", ",", "5s,", "5s;5m", "0s", "9ms", "8d", "forever", &*too_many, &*too_long] {
            assert!(text.parse::<RetrySchedule>().is_err(), "{text}");
        }
        assert_eq!("none".parse::<RetrySchedule>().expect("none").attempts_max(), 1);
    }

    proptest! {
        #[test]
        fn a_schedule_reads_back_as_it_was_written(millis in prop::collection::vec(10..80_000_000u64, 0..=DELAYS_MAX)) {
            let schedule = RetrySchedule::new(millis.into_iter().map(Duration::from_millis)).expect("within bounds");
            prop_assert_eq!(schedule.to_string().parse::<RetrySchedule>().expect("as written"), schedule);
        }

        #[test]
        fn jitter_stays_within_a_fifth(seconds in 1..604_800u64, random: u32) {
            let schedule = RetrySchedule::new([Duration::from_secs(seconds)]).expect("within bounds");
            let Verdict::Retry { at } = schedule.judge(1, answered(500), now(), random) else {
                panic!("a first attempt is followed by a second");
            };
            let waited = at.as_micros() - now().as_micros();
            let planned = seconds as i64 * 1_000_000;
            prop_assert!(waited >= planned * 8 / 10 && waited <= planned * 12 / 10);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<RetrySchedule>();
        }
    }
}
