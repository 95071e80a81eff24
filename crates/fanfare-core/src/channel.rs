//! Channels: the names that events are pushed to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::invalid::{Invalid, shown};
use crate::limits::{CHANNEL_LEN_MAX, CHANNEL_SEGMENT_LEN_MAX, CHANNEL_SEGMENTS_MAX};

/// A name such as `builds.web`: 1–8 segments of 1–64 `[A-Za-z0-9_-]`, joined by `.`, at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel(
    /// A well-formed name: only `FromStr` creates one.
    Arc<str>,
);

impl Channel {
    /// The channel of an event that names none.
    pub const DEFAULT: &str = "default";

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns an iterator over the segments.
    pub fn segments(&self) -> std::str::Split<'_, char> {
        self.0.split('.')
    }
}

impl Default for Channel {
    fn default() -> Channel {
        Channel(Arc::from(Channel::DEFAULT))
    }
}

impl FromStr for Channel {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Channel, Invalid> {
        check_segments(name, "channel", Code::InvalidChannel, |segment, _| well_formed(segment))?;
        Ok(Channel(Arc::from(name)))
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Returns `true` if `segment` is allowed in a channel.
pub(crate) fn well_formed(segment: &str) -> bool {
    segment.len() <= CHANNEL_SEGMENT_LEN_MAX
        && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Checks the rules that channels and patterns share; `allowed(segment, is_last)` decides about a segment that is not
/// empty.
pub(crate) fn check_segments(
    name: &str,
    what: &str,
    code: Code,
    allowed: impl Fn(&str, bool) -> bool,
) -> Result<(), Invalid> {
    let refuse = |problem: &str, fix: &'static str| {
        Err(Invalid::new(code, format!("{what} `{}` {problem}", shown(name)), fix))
    };
    if name.is_empty() {
        return refuse("is empty", "write a name such as `builds.web`");
    }
    if name.len() > CHANNEL_LEN_MAX {
        return refuse("is too long", "use at most 255 bytes");
    }
    let segments = name.split('.').count();
    if segments > CHANNEL_SEGMENTS_MAX {
        return refuse("has too many segments", "use at most 8 segments");
    }
    for (index, segment) in name.split('.').enumerate() {
        if segment.is_empty() {
            return refuse("has an empty segment", "write `a.b`, not `a..b`, `.a` or `a.`");
        }
        if !allowed(segment, index + 1 == segments) {
            return refuse(
                &format!("has the segment `{}`, which is not allowed there", shown(segment)),
                match code {
                    Code::InvalidPattern => {
                        "segments are 1–64 letters, digits, `-` or `_`; `*` matches one segment, `>` at the end matches the rest"
                    }
                    _ => "segments are 1–64 letters, digits, `-` or `_`, joined by `.`",
                },
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Channel;

    #[test]
    fn names_that_cannot_be_channels_are_refused() {
        for name in ["", ".", "a.", ".a", "a..b", "a b", "ä", "a/b", "a.*", ">", "a\n", "a.b.c.d.e.f.g.h.i"]
        {
            assert!(name.parse::<Channel>().is_err(), "{name:?}");
        }
        assert!("x".repeat(65).parse::<Channel>().is_err());
        assert!("x".repeat(64).parse::<Channel>().is_ok());
    }

    #[test]
    fn the_error_says_what_and_how() {
        let error = "a..b".parse::<Channel>().expect_err("empty segment");
        assert_eq!(
            error.to_string(),
            "channel `a..b` has an empty segment; write `a.b`, not `a..b`, `.a` or `a.`"
        );
    }

    proptest! {
        #[test]
        fn a_channel_reads_back_as_it_was_written(name in "[A-Za-z0-9_-]{1,20}(\\.[A-Za-z0-9_-]{1,20}){0,7}") {
            prop_assert_eq!(name.parse::<Channel>().expect("well formed").to_string(), name);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Channel>();
        }
    }
}
