//! Filters: one that is written in another order matches the same, and none matches less than its parts.
//!
//! The input is lines: `p PATTERN`, `t TYPE`, `m PRIORITY`, `x TEXT`, `c CHANNEL`.

#![no_main]

use fanfare_core::{Channel, Filter, Pattern, Priority};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut types = Vec::new();
    let mut channels: Vec<Channel> = Vec::new();
    let (mut least, mut text) = (Priority::Min, None);
    for line in input.lines() {
        match line.split_once(' ') {
            Some(("p", rest)) => patterns.extend(rest.parse::<Pattern>()),
            Some(("t", rest)) => types.extend(rest.parse()),
            Some(("m", rest)) => least = rest.parse().unwrap_or(least),
            Some(("x", rest)) => text = Some(rest),
            Some(("c", rest)) => channels.extend(rest.parse::<Channel>()),
            _ => {}
        }
    }
    let one_by_one =
        |channel: &Channel| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(channel));
    let expected: Vec<bool> = channels.iter().map(one_by_one).collect();
    let Ok(filter) = Filter::new(patterns.clone(), types.clone(), least, text) else { return };
    let found: Vec<bool> = channels.iter().map(|channel| filter.matches_channel(channel)).collect();
    assert_eq!(found, expected);

    patterns.reverse();
    types.reverse();
    let reversed = Filter::new(patterns, types, least, text).expect("as many terms as before");
    assert_eq!(reversed, filter);
    assert!(!filter.patterns().is_empty());
});
