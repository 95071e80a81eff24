//! The time of a retry: schedules round-trip, and any delay that a receiver asks for stays within bounds.

#![no_main]

use std::time::Duration;

use fanfare_core::Timestamp;
use fanfare_webhook::outcome::Outcome;
use fanfare_webhook::retry::{DELAY_MAX, RetrySchedule, SCHEDULE_MAX, Verdict};
use fanfare_webhook::retry_after::{self, RETRY_AFTER_MAX, RetryAfter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, u32, u16, u32, i64)| {
    let (schedule, header, attempt, status, random, now) = input;
    // Within the years that a clock shows.
    let now = Timestamp::from_micros(now % 4_000_000_000_000_000);
    let retry_after = retry_after::parse(header, now);
    if let Some(at) = retry_after {
        assert!(now <= at && at <= now.after(RETRY_AFTER_MAX));
    }
    let Ok(schedule) = schedule.parse::<RetrySchedule>() else { return };
    assert_eq!(schedule.to_string().parse::<RetrySchedule>().as_ref(), Ok(&schedule));
    assert!(schedule.delays().iter().sum::<Duration>() <= SCHEDULE_MAX);
    let asked = retry_after.map(|at| RetryAfter { at, is_for_all: random % 2 == 0 });
    let outcome = Outcome::Answered { status, retry_after: asked };
    match schedule.judge(attempt, outcome, now, random) {
        Verdict::Retry { at } => {
            assert!(attempt < schedule.attempts_max() && !(200..300).contains(&status));
            let latest = now.after((DELAY_MAX * 12 / 10).max(RETRY_AFTER_MAX));
            assert!(at > now && at <= latest, "never at once, never for ever");
            assert!(retry_after.is_none_or(|asked| at >= asked));
        }
        Verdict::Delivered => assert!((200..300).contains(&status)),
        Verdict::Fail(_) => assert!(!(200..300).contains(&status)),
    }
});
