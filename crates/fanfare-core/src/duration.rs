//! Durations as callers give them: the one grammar of bodies, queries, arguments, flags and settings.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::code::Code;
use crate::invalid::{Invalid, shown};
use crate::limits::{DURATION_SECONDS_MAX, WAIT_SECONDS_MAX};

/// Maximum duration.
pub const DURATION_MAX: Duration = Duration::from_secs(DURATION_SECONDS_MAX);
/// Maximum time that a request waits for something.
pub const WAIT_MAX: Duration = Duration::from_secs(WAIT_SECONDS_MAX);
/// The texts that [`parse`] accepts, as a regular expression. The maximum is not part of it.
pub const PATTERN: &str = "^([0-9]+|([0-9]+(ms|s|m|h|d))+)$";
/// What would be right instead of a text or a number that is not a duration.
pub const FIX: &str =
    "write a number with a unit, such as `90s`, `10m`, `1h30m` or `7d`, or a number of seconds";

/// A duration as JSON that a caller wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// A number of seconds.
    Seconds(f64),
    /// A text such as `10m`.
    Text(String),
}

impl Literal {
    /// Returns the literal that a JSON value is, if it is text or a number.
    pub fn of(value: Value) -> Option<Literal> {
        match value {
            Value::Number(number) => number.as_f64().map(Literal::Seconds),
            Value::String(text) => Some(Literal::Text(text)),
            Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => None,
        }
    }

    /// Returns the literal as text: a number of seconds as the duration that it is, or as it stands if it is none.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Literal::Text(text) => Cow::Borrowed(text),
            Literal::Seconds(seconds) => Cow::Owned(match Duration::try_from_secs_f64(*seconds) {
                Ok(duration) if duration <= DURATION_MAX => show(duration),
                Ok(_) | Err(_) => seconds.to_string(),
            }),
        }
    }

    /// Parses the literal. Fails if it is not a duration in `range`.
    pub fn within(&self, range: &RangeInclusive<Duration>) -> Result<Duration, Invalid> {
        within(&self.text(), range)
    }
}

impl From<Duration> for Literal {
    fn from(duration: Duration) -> Literal {
        Literal::Text(show(duration))
    }
}

/// Parses `90s`, `10m`, `1h30m`, `7d`, `500ms`, or a bare number of seconds; at most ten years.
pub fn parse(text: &str) -> Result<Duration, Invalid> {
    read(text).ok_or_else(|| {
        Invalid::new(Code::InvalidDuration, format!("`{}` is not a duration", shown(text)), FIX)
    })
}

/// Parses a duration. Fails if it is not in `range`.
pub fn within(text: &str, range: &RangeInclusive<Duration>) -> Result<Duration, Invalid> {
    let duration = parse(text)?;
    if range.contains(&duration) {
        return Ok(duration);
    }
    let (least, most) = (show(*range.start()), show(*range.end()));
    let what = match duration < *range.start() {
        true => format!("`{}` is too short", shown(text)),
        false => format!("`{}` is too long", shown(text)),
    };
    Err(Invalid::new(Code::InvalidDuration, what, format!("use a duration from `{least}` to `{most}`")))
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
    use serde_json::json;

    use super::{Literal, parse, show, within};

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

    #[test]
    fn a_number_is_seconds_and_a_text_is_read_as_it_stands() {
        let range = Duration::from_millis(1)..=Duration::from_secs(60);
        for (value, millis) in [
            (json!(30), 30_000),
            (json!(0.25), 250),
            (json!("30"), 30_000),
            (json!("250ms"), 250),
            (json!(60), 60_000),
        ] {
            let literal = Literal::of(value.clone()).expect("text or a number");
            assert_eq!(literal.within(&range).expect("in range"), Duration::from_millis(millis), "{value}");
            assert_eq!(serde_json::from_value::<Literal>(value).expect("the same"), literal);
        }
        for (value, what) in [
            (json!(-1), "`-1` is not a duration"),
            (json!(0), "`0s` is too short"),
            (json!(61), "`1m1s` is too long"),
            (json!("soon"), "`soon` is not a duration"),
            (json!("0.25"), "`0.25` is not a duration"),
            (
                json!(1e300),
                "`100000000000000000000000000000000000000000000000000000000000…` is not a duration",
            ),
        ] {
            let error = Literal::of(value).expect("text or a number").within(&range).expect_err(what);
            assert_eq!((error.what.as_str(), error.code.as_str()), (what, "invalid_duration"));
        }
        assert_eq!(within("2m", &range).expect_err("too long").fix, "use a duration from `1ms` to `1m`");
        for value in [json!(true), json!(null), json!([1]), json!({})] {
            assert_eq!(Literal::of(value), None);
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
