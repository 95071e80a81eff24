//! `Retry-After`, RFC 9110 section 10.2.3: a number of seconds, or an HTTP date.

use std::time::{Duration, SystemTime};

use fanfare_core::timestamp::Timestamp;

/// Maximum wait that a receiver can ask for: a day of maintenance. A longer one is cut to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the time that the header asks for, received at `now`: never before `now`, and at most 24 h after it. `None`
/// if the header cannot be parsed, as with a negative number.
pub fn parse(header: &str, now: Timestamp) -> Option<Timestamp> {
    let header = header.trim();
    let latest = now.after(RETRY_AFTER_MAX);
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large for an integer asks for more than the maximum.
        let asked = header.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs);
        return Some(now.after(asked.min(RETRY_AFTER_MAX)));
    }
    let date = httpdate::parse_http_date(header).ok()?;
    let since_1970 = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_micros(0).after(since_1970).clamp(now, latest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{RETRY_AFTER_MAX, parse};
    use fanfare_core::timestamp::Timestamp;

    /// Returns 2026-11-20T00:00:00Z.
    fn now() -> Timestamp {
        Timestamp::from_micros(1_795_132_800_000_000)
    }

    #[test]
    fn seconds_and_dates_are_read_and_capped() {
        for (header, seconds) in [
            ("120", 120),
            (" 0 ", 0),
            ("86401", 86_400),
            ("99999999999999999999999", 86_400),
            ("Fri, 20 Nov 2026 00:02:00 GMT", 120),
            ("Friday, 20-Nov-26 00:02:00 GMT", 120),
            ("Fri Nov 20 00:02:00 2026", 120),
            ("Thu, 19 Nov 2026 00:00:00 GMT", 0),
            ("Thu, 20 Nov 2036 00:00:00 GMT", 86_400),
        ] {
            assert_eq!(parse(header, now()), Some(now().after(Duration::from_secs(seconds))), "{header}");
        }
        for header in ["", "-1", "+1", "1.5", "soon", "2026-11-20T00:00:00Z", "1s", "1,2"] {
            assert_eq!(parse(header, now()), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics_or_leaves_the_bounds(header in "[0-9]{0,25}|.*", micros: i64) {
            let now = Timestamp::from_micros(micros);
            if let Some(at) = parse(&header, now) {
                prop_assert!(now <= at && at <= now.after(RETRY_AFTER_MAX));
            }
        }
    }
}
