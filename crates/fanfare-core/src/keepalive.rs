//! The interval of keepalives: what is sent on a connection on which nothing else moves, so that both ends and everything
//! between them know that it still stands.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::duration;
use crate::invalid::Invalid;
use crate::limits::{KEEPALIVE_SECONDS_MAX, KEEPALIVE_SECONDS_MIN};

/// The intervals that an operator, or a client for its connection, may choose.
pub const RANGE: RangeInclusive<Duration> =
    Duration::from_secs(KEEPALIVE_SECONDS_MIN)..=Duration::from_secs(KEEPALIVE_SECONDS_MAX);

/// Parses an interval. Fractions of a second are dropped, so that connections share at most one timer per second of the
/// range.
pub fn parse(text: &str) -> Result<Duration, Invalid> {
    Ok(Duration::from_secs(duration::within(text, &RANGE)?.as_secs()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn an_interval_has_whole_seconds_within_the_range() {
        for (text, seconds) in [("1s", 1), ("10", 10), ("2500ms", 2), ("1m30s", 90), ("5m", 300)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["0s", "999ms", "5m1s", "often", ""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
