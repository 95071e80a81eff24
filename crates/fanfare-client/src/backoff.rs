//! The delay before a retry.

use std::time::Duration;

/// Minimum delay, even if a gateway asks for less: a loop without one would be an attack.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// Maximum delay, unless the gateway asks for more: a person who restarts it waits this long.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Maximum delay that a gateway can ask for.
const PAUSE_ASKED_MAX: Duration = Duration::from_secs(300);

/// Returns the delay before attempt number `attempt` (0 is the first retry): `first`, doubled each time up to 30 s,
/// less up to a quarter of it depending on `jitter` (0 to 1), so that clients that were disconnected together do not
/// return together; never less than `asked`.
pub fn pause(attempt: u32, first: Duration, asked: Option<Duration>, jitter: f64) -> Duration {
    let doubled = first.max(PAUSE_MIN).saturating_mul(1 << attempt.min(16)).min(PAUSE_MAX.max(first));
    let jittered = doubled.mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0));
    jittered.max(asked.unwrap_or_default()).min(PAUSE_ASKED_MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::pause;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let seconds: Vec<u64> = (0..8).map(|attempt| pause(attempt, SECOND, None, 0.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(pause(u32::MAX, SECOND, None, 0.0).as_secs(), 30);
    }

    #[test]
    fn jitter_takes_away_at_most_a_quarter() {
        assert_eq!(pause(0, SECOND, None, 1.0), Duration::from_millis(750));
    }

    #[test]
    fn a_gateway_that_asks_for_a_pause_gets_it_within_reason() {
        assert_eq!(pause(0, SECOND, Some(Duration::from_secs(90)), 1.0).as_secs(), 90);
        assert_eq!(pause(0, SECOND, Some(Duration::from_secs(9_999)), 0.0).as_secs(), 300);
        assert_eq!(pause(0, Duration::ZERO, None, 0.0), Duration::from_millis(100));
    }
}
