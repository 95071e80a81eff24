//! Timestamps: microseconds since 1970, UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::invalid::{Invalid, shown};

/// A moment, in whole microseconds; shown as `2026-11-21T08:00:00.123456+00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(
    /// Microseconds since 1970-01-01T00:00:00Z; always within the years that `jiff` can format.
    i64,
);

/// The start of the year 0, in seconds since 1970: an earlier year does not have four digits, as RFC 3339 requires.
const FIRST_SECOND: i64 = -62_167_219_200;

impl Timestamp {
    /// Creates a timestamp from microseconds since 1970; a value outside the years -9999 to 9999 becomes the nearest
    /// one inside.
    pub fn from_micros(micros: i64) -> Timestamp {
        Timestamp(micros.clamp(jiff::Timestamp::MIN.as_microsecond(), jiff::Timestamp::MAX.as_microsecond()))
    }

    /// Returns the microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the moment that is `duration` later.
    pub fn after(self, duration: Duration) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_add(micros(duration)))
    }

    /// Returns the moment that is `duration` earlier.
    pub fn before(self, duration: Duration) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_sub(micros(duration)))
    }

    /// Writes the text form, 32 bytes for the years 0 to 9999, without an allocation of its own.
    pub fn write_to(self, out: &mut Vec<u8>) {
        use std::io::Write;
        // Writing to a `Vec` cannot fail.
        let _ = write!(out, "{self}");
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(timestamp: jiff::Timestamp) -> Timestamp {
        Timestamp::from_micros(timestamp.as_microsecond())
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;

    /// Parses RFC 3339, with any offset.
    fn from_str(text: &str) -> Result<Timestamp, Invalid> {
        let read = text.parse::<jiff::Timestamp>().ok().filter(|read| read.as_second() >= FIRST_SECOND);
        read.map(Timestamp::from).ok_or_else(|| {
            Invalid::new(
                Code::InvalidTime,
                format!("`{}` is not a time", shown(text)),
                "write RFC 3339, such as `2026-11-21T08:00:00Z` (in a query, `+` is `%2B`)",
            )
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.div_euclid(1_000_000);
        let micros = self.0.rem_euclid(1_000_000);
        let time = jiff::tz::Offset::UTC.to_datetime(
            jiff::Timestamp::from_second(whole).expect("within jiff's years: the field's invariant"),
        );
        let date = time.date();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{micros:06}+00:00",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Timestamp;

    #[test]
    fn a_timestamp_looks_as_in_the_seeds() {
        let timestamp: Timestamp = "2025-11-11T13:34:56.789012+01:00".parse().expect("RFC 3339");
        assert_eq!(timestamp.to_string(), "2025-11-11T12:34:56.789012+00:00");
    }

    #[test]
    fn a_year_before_the_first_is_none() {
        for text in ["-002025-11-21T08:00:01.1+1542", "-000001-12-31T23:59:59Z", "0000-01-01T00:00:00+01:00"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        let first: Timestamp = "0000-01-01T00:00:00Z".parse().expect("the first");
        assert_eq!(first.to_string(), "0000-01-01T00:00:00.000000+00:00");
    }

    proptest! {
        #[test]
        fn a_timestamp_reads_back_as_it_was_written(micros in -62_167_219_200_000_000..253_402_000_000_000_000i64) {
            let timestamp = Timestamp::from_micros(micros);
            prop_assert_eq!(timestamp.to_string().parse::<Timestamp>().expect("RFC 3339"), timestamp);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
