//! Sentences out of JSON: looking things up, and keeping them short.

use serde_json::Value;

/// Most characters of a part of a sentence: the title of an issue, the first line of a commit.
pub(super) const PART_CHARS_MAX: usize = 200;
/// Most bytes of a text that a sender itself meant for reading.
pub(super) const TEXT_LEN_MAX: usize = 4 * 1024;

/// Gives the text at a JSON pointer; none when it is empty.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// Gives the first text at any of some pointers.
pub(super) fn first<'a>(value: &'a Value, pointers: &[&str]) -> Option<&'a str> {
    pointers.iter().find_map(|pointer| text(value, pointer))
}

/// Gives the first line, not too long.
pub(super) fn line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    let mut chars = line.chars();
    let mut short: String = chars.by_ref().take(PART_CHARS_MAX).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// Gives a text with its lines, not too long.
pub(super) fn passage(text: &str) -> String {
    if text.len() <= TEXT_LEN_MAX {
        return text.to_owned();
    }
    let mut end = TEXT_LEN_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// Gives words for a name such as `pull_request`.
pub(super) fn spaced(name: &str) -> String {
    line(&name.replace('_', " "))
}

/// Joins a subject and what happened to it: `web: finished`.
pub(super) fn about(subject: Option<&str>, what: &str) -> String {
    match subject {
        Some(subject) => format!("{}: {what}", line(subject)),
        None => what.to_owned(),
    }
}

/// Adds a detail where there is one: `finished: all tests pass`.
pub(super) fn with(what: &str, detail: Option<&str>) -> String {
    match detail {
        Some(detail) => format!("{what}: {}", line(detail)),
        None => what.to_owned(),
    }
}
