//! Patterns: filters over channel names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::channel::{Channel, check_segments, well_formed};
use crate::code::Code;
use crate::invalid::Invalid;

/// A channel in which a segment may be `*` (exactly one segment) and the last may be `>` (one or more).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(
    /// A well-formed pattern: only `FromStr` and `Pattern::all` create one.
    Arc<str>,
);

impl Pattern {
    /// Returns the pattern that matches every channel.
    pub fn all() -> Pattern {
        Pattern(Arc::from(">"))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if the pattern matches every channel.
    pub fn is_all(&self) -> bool {
        &*self.0 == ">"
    }

    /// Returns the one channel that the pattern matches, if it has no `*` and no `>`.
    pub fn exact(&self) -> Option<&str> {
        (!self.0.contains(['*', '>'])).then_some(&self.0)
    }

    /// Returns the channel `X` of a pattern `X.>`, which matches the channels below `X` but not `X`.
    pub fn above(&self) -> Option<Channel> {
        self.0.strip_suffix(".>")?.parse().ok()
    }

    /// Returns `true` if the pattern matches `channel`.
    pub fn matches(&self, channel: &Channel) -> bool {
        if self.is_all() {
            return true;
        }
        let mut segments = channel.segments();
        for wanted in self.0.split('.') {
            match (wanted, segments.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (wanted, Some(segment)) if wanted == segment => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }
}

impl FromStr for Pattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Pattern, Invalid> {
        check_segments(text, "pattern", Code::InvalidPattern, |segment, is_last| {
            segment == "*" || (segment == ">" && is_last) || well_formed(segment)
        })?;
        Ok(Pattern(Arc::from(text)))
    }
}

impl From<&Channel> for Pattern {
    fn from(channel: &Channel) -> Pattern {
        Pattern(Arc::from(channel.as_str()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Channel, Pattern};

    #[test]
    fn stars_and_arrows_match_what_they_say() {
        for (pattern, channel, matches) in [
            (">", "a", true),
            (">", "a.b.c", true),
            ("a", "a", true),
            ("a", "a.b", false),
            ("a.b", "a", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("*.b", "a.b", true),
            ("*", "a.b", false),
            ("a.>", "a", false),
            ("a.>", "a.b", true),
            ("a.>", "a.b.c", true),
            ("a.*.>", "a.b", false),
            ("A", "a", false),
        ] {
            let (p, c): (Pattern, Channel) =
                (pattern.parse().expect("pattern"), channel.parse().expect("channel"));
            assert_eq!(p.matches(&c), matches, "{pattern} {channel}");
        }
    }

    #[test]
    fn an_arrow_is_below_a_channel_unless_that_has_stars() {
        for (pattern, above) in
            [("a.>", Some("a")), ("a.b.>", Some("a.b")), (">", None), ("*.>", None), ("a", None)]
        {
            let pattern: Pattern = pattern.parse().expect("pattern");
            assert_eq!(pattern.above(), above.map(|name| name.parse().expect("channel")), "{pattern}");
        }
    }

    #[test]
    fn an_arrow_stands_only_at_the_end() {
        for text in [">.a", "a.>.b", "a*", "a.b>", "**", ""] {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_channel_is_a_pattern_that_matches_itself(name in "[a-z]{1,5}(\\.[a-z]{1,5}){0,7}") {
            let channel: Channel = name.parse().expect("well formed");
            prop_assert!(name.parse::<Pattern>().expect("well formed").matches(&channel));
            prop_assert!(Pattern::all().matches(&channel));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Pattern>();
        }
    }
}
