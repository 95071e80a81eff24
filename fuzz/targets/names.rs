//! Names, positions, times: every accepted text round-trips.

#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use fanfare_core::{Channel, Epoch, EventType, Key, Pattern, Position, ReaderName, Start, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(channel) = text.parse::<Channel>() {
        assert_eq!(channel.to_string(), text);
        assert!(Pattern::from(&channel).matches(&channel));
        assert!(Pattern::all().matches(&channel));
    }
    if let Ok(pattern) = text.parse::<Pattern>() {
        assert_eq!(pattern.to_string(), text);
        assert_eq!(pattern.exact().is_some(), text.parse::<Channel>().is_ok());
    }
    same::<Epoch>(text);
    same::<Position>(text);
    same::<EventType>(text);
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        // Finer than a microsecond is cut off once, and not again.
        let written = timestamp.to_string();
        assert_eq!(written.parse::<Timestamp>().expect("what we write, we read"), timestamp);
        let mut bytes = Vec::new();
        timestamp.write_to(&mut bytes);
        assert_eq!(bytes, written.as_bytes());
    }
    let _ = text.parse::<Key>();
    let _ = text.parse::<ReaderName>();
    let _ = Start::since(text);
    let _ = fanfare_core::duration::parse(text);
    if let Start::After(position) = Start::after(text) {
        assert_eq!(position.to_string(), text);
    }
});

/// Checks that accepted text comes back byte for byte: two spellings of one name would be two names.
fn same<T: FromStr + Display>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text);
    }
}
