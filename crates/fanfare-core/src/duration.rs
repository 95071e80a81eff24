//! Durations as people write them.

use std::time::Duration;

use crate::code::Code;
use crate::invalid::{Invalid, shown};
use crate::limits::DURATION_SECONDS_MAX;

/// Parses `90s`, `10m`, `1h30m`, `7d`, `500ms`, or a bare number of seconds; at most ten years.
pub fn parse(text: &str) -> Result<Duration, Invalid> {
    read(text).ok_or_else(|| {
        Invalid::new(
            Code::InvalidTime,
            format!("`{}` is not a duration", shown(text)),
            "write a number with a unit, such as `90s`, `10m`, `1h30m` or `7d`",
        )
    })
}

/// Formats a duration as [`parse`] reads it, largest unit first: `1h30m`, `500ms`, `0s`. Fractions of a millisecond are
/// omitted.
pub fn show(duration: Duration) -> String {
    const UNITS: [(u128, &str); 5] =
        [(24 * 60 * 60 * 1_000, "d"), (60 * 60 * 1_000, "h"), (60 * 1_000, "m"), (1_000, "s"), (1, "ms")];
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (millis, unit) in UNITS {
        if rest >= millis {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn read(text: &str) -> Option<Duration> {
    const DURATION_MAX: Duration = Duration::from_secs(DURATION_SECONDS_MAX);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs).filter(|total| *total <= DURATION_MAX);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let amount: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let millis = match &rest[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60 * 1_000,
            "h" => 60 * 60 * 1_000,
            "d" => 24 * 60 * 60 * 1_000,
            _ => return None,
        };
        rest = &rest[unit..];
        total = total.checked_add(Duration::from_millis(amount.checked_mul(millis)?))?;
    }
    (!text.is_empty() && total <= DURATION_MAX).then_some(total)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{parse, show};

    #[test]
    fn what_people_write_is_read() {
        for (text, seconds) in
            [("90s", 90), ("10m", 600), ("1h30m", 5400), ("7d", 604_800), ("45", 45), ("0s", 0)]
        {
            assert_eq!(parse(text).expect(text), Duration::from_secs(seconds));
        }
        assert_eq!(parse("500ms").expect("ms"), Duration::from_millis(500));
        for text in ["", "s", "10", "m10", "10y", "-5s", "5 m", "1.5h", "99999999999999999999s", "9999999d"] {
            assert_eq!(parse(text).is_ok(), text == "10", "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_duration_reads_back_as_it_was_written(millis in 0..316_000_000_000u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&show(duration)).expect("a duration"), duration);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = parse(&text);
        }
    }
}
