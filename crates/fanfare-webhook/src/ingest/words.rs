//! Building sentences from JSON: finding texts and keeping them short.

use serde_json::Value;

/// Maximum characters of a part of a sentence: the title of an issue, the first line of a commit.
pub(super) const PART_CHARS_MAX: usize = 200;
/// Maximum bytes of a text that the sender meant to be read.
pub(super) const TEXT_LEN_MAX: usize = 4 * 1024;

/// Returns the text at a JSON pointer; `None` if it is empty.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// Returns the first text found at one of several pointers.
pub(super) fn first<'a>(value: &'a Value, pointers: &[&str]) -> Option<&'a str> {
    pointers.iter().find_map(|pointer| text(value, pointer))
}

/// Returns the first line, shortened if needed.
pub(super) fn line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    let mut chars = line.chars();
    let mut short: String = chars.by_ref().take(PART_CHARS_MAX).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// Returns a text with its lines, shortened if needed.
pub(super) fn passage(text: &str) -> String {
    if text.len() <= TEXT_LEN_MAX {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(TEXT_LEN_MAX)])
}

/// Returns a name such as `pull_request` as words.
pub(super) fn spaced(name: &str) -> String {
    line(&name.replace('_', " "))
}

/// Returns a name such as `ProjectUpdate` as words, in lowercase.
pub(super) fn spaced_camel(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    spaced(&words)
}

/// Returns `1 commit`, `2 commits`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Joins a subject and what happened to it: `web: finished`.
pub(super) fn about(subject: Option<&str>, what: &str) -> String {
    match subject {
        Some(subject) => format!("{}: {what}", line(subject)),
        None => what.to_owned(),
    }
}

/// Adds a detail, if there is one: `finished: all tests pass`.
pub(super) fn with(what: &str, detail: Option<&str>) -> String {
    match detail {
        Some(detail) => format!("{what}: {}", line(detail)),
        None => what.to_owned(),
    }
}
