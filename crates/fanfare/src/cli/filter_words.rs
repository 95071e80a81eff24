//! Describes a filter in words.

use std::fmt::Display;

use crate::cli::text::harmless;

/// Describes a filter on one line. The parts can come from an untrusted gateway, so they are made harmless.
pub(crate) fn filter_words(
    patterns: &[impl Display],
    types: &[impl Display],
    min_priority: &str,
    text: Option<&str>,
) -> String {
    let mut parts = vec![match joined(patterns, ", ") {
        all if all.is_empty() || all == ">" => "all events".to_owned(),
        patterns => patterns,
    }];
    if !types.is_empty() {
        parts.push(format!("of type {}", joined(types, " or ")));
    }
    if min_priority != "min" {
        parts.push(format!("priority {min_priority} or higher"));
    }
    if let Some(text) = text {
        parts.push(format!("containing \"{text}\""));
    }
    harmless(&parts.join(" · ")).replace(['\n', '\t'], " ")
}

fn joined(parts: &[impl Display], between: &str) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::filter_words;

    const NONE: [&str; 0] = [];

    #[test]
    fn only_what_narrows_the_filter_is_said() {
        for (patterns, types, min_priority, text, expected) in [
            (&[">"][..], &NONE[..], "min", None, "all events"),
            (&[], &[], "min", None, "all events"),
            (&["a.*", "b"], &[], "min", None, "a.*, b"),
            (
                &[">"],
                &["error", "warning"],
                "high",
                Some("disk"),
                "all events · of type error or warning · priority high or higher · containing \"disk\"",
            ),
        ] {
            assert_eq!(filter_words(patterns, types, min_priority, text), expected);
        }
    }

    #[test]
    fn a_filter_is_one_line_that_cannot_change_the_terminal() {
        let words = filter_words(&["a\x1b[2J"], &["b\u{202e}"], "c\x07", Some("d\r\ne\tf\x1b]0;g"));
        assert!(!words.contains(char::is_control) && !words.contains('\u{202e}'), "{words:?}");
    }
}
