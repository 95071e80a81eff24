//! `Retry-After`, RFC 9110 section 10.2.3: a number of seconds, or an HTTP date.

use std::time::{Duration, SystemTime};

use fanfare_core::timestamp::Timestamp;

/// Maximum wait that a receiver can ask for: a day of maintenance. A longer one is cut to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait that a receiver asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RetryAfter {
    /// The end of the wait.
    pub at: Timestamp,
    /// Whether all deliveries have to wait, not only the one that was answered.
    pub is_for_all: bool,
}

/// Returns whether a response with `status` speaks for every delivery to its receiver; `header` returns the value of a
/// header by its name in lowercase.
///
/// A 503 says that the server is overloaded or down (RFC 9110, section 15.6.4). A 429 can be about one delivery, such as
/// a channel that has had enough, unless its headers say that the sender has used up its quota.
pub fn is_for_all<'a>(status: u16, header: impl Fn(&str) -> Option<&'a str>) -> bool {
    /// The headers that say so, with their values: those of Discord, those in common use, and those of the early drafts
    /// of the IETF's `RateLimit`.
    const USED_UP: [(&str, &str); 4] = [
        ("ratelimit-remaining", "0"),
        ("x-ratelimit-global", "true"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-scope", "global"),
    ];
    let is_used_up = |(name, value): (&str, &str)| {
        header(name).is_some_and(|given| given.trim().eq_ignore_ascii_case(value))
    };
    status == 503 || status == 429 && USED_UP.into_iter().any(is_used_up)
}

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

    use super::{RETRY_AFTER_MAX, is_for_all, parse};
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

    #[test]
    fn a_server_speaks_for_all_and_a_limit_only_if_it_says_so() {
        let speaks = |status, headers: &[(&str, &'static str)]| {
            is_for_all(status, |name| {
                headers.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
            })
        };
        assert!(speaks(503, &[]) && !speaks(429, &[]) && !speaks(500, &[("x-ratelimit-remaining", "0")]));
        for (name, value, expected) in [
            ("x-ratelimit-global", "true", true),
            ("x-ratelimit-global", "false", false),
            ("x-ratelimit-scope", "Global", true),
            ("x-ratelimit-scope", "shared", false),
            ("x-ratelimit-remaining", " 0 ", true),
            ("x-ratelimit-remaining", "3", false),
            ("ratelimit-remaining", "0", true),
        ] {
            assert_eq!(speaks(429, &[(name, value)]), expected, "{name}: {value}");
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
