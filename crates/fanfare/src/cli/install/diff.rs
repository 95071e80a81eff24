//! The diff of a client's file. Values that belong to others are hidden.

use std::collections::VecDeque;

use similar::{ChangeTag, TextDiff};

use crate::cli::install::entry::NAME;
use crate::cli::output::style::{DIM, ERROR, SUCCESS};
use crate::cli::text::{harmless, shortened};

/// Lines around a change. They only show the place, because the files hold secrets of other servers.
const CONTEXT: usize = 1;

/// Maximum characters of a line, because a whole file can be one line.
const CHARS_MAX: usize = 240;

/// Returns the unified diff between two texts, without color. The values of added lines are shown only if they are
/// ours.
pub(crate) fn unified(name: &str, before: Option<&str>, after: Option<&str>, is_ours: bool) -> String {
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    let named = |text: Option<&str>| text.map_or("/dev/null", |_| name);
    let mut text = format!("--- {}\n+++ {}", named(before), named(after));
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        text.push_str(&format!("\n{}", hunk.header()));
        let mut removed = VecDeque::new();
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches(['\r', '\n']);
            let (mark, line) = match change.tag() {
                ChangeTag::Insert if is_ours => ('+', added(line, removed.pop_front())),
                ChangeTag::Insert => ('+', without_value(line)),
                ChangeTag::Delete => {
                    removed.push_back(line);
                    ('-', without_value(line))
                }
                ChangeTag::Equal => {
                    removed.clear();
                    (' ', without_value(line))
                }
            };
            text.push_str(&format!("\n{mark}{}", shortened(&harmless(&line), CHARS_MAX)));
        }
    }
    text
}

/// Returns a diff without `texts`, of which any may be a secret. Words of ours are none.
pub(crate) fn without(diff: &str, texts: &[String]) -> String {
    let is_plain =
        |text: &&String| text.len() < 4 || text.starts_with("--") || PLAIN.contains(&text.as_str());
    texts.iter().filter(|text| !is_plain(text)).fold(diff.to_owned(), |diff, text| {
        let quoted = serde_json::Value::from(text.as_str()).to_string();
        diff.replace(&quoted, "\"…\"").replace(&format!("'{text}'"), "'…'")
    })
}

/// The words of our entries that an entry in a file can have as well.
const PLAIN: [&str; 7] = ["all", "essential", "fanfare", "http", "mcp", "readonly", "stdio"];

/// Returns the new part of a line that replaces `removed`. The rest of the line may belong to others.
fn added(line: &str, removed: Option<&str>) -> String {
    let Some(removed) = removed else { return line.to_owned() };
    let same = |(one, two): &(char, char)| one == two;
    let mut start: usize =
        line.chars().zip(removed.chars()).take_while(same).map(|(one, _)| one.len_utf8()).sum();
    let end: usize = line[start..]
        .chars()
        .rev()
        .zip(removed[start..].chars().rev())
        .take_while(same)
        .map(|(one, _)| one.len_utf8())
        .sum();
    if start + end < removed.len() {
        // Something was changed. If our entry is on one line, other entries may be on the same line.
        let is_inline = line.contains(&format!("\"{NAME}\"")) && line.contains('}');
        return if is_inline {
            format!("… {} …", &line[start..line.len() - end])
        } else {
            line.to_owned()
        };
    }
    let mut end = line.len() - end;
    // Repeated characters make the boundaries ambiguous. The part that begins with a token is easier to read.
    while let (Some(before), Some(last)) = (line[..start].chars().last(), line[start..end].chars().last())
        && before == last
    {
        (start, end) = (start - before.len_utf8(), end - last.len_utf8());
    }
    let new = &line[start..end];
    if new.contains(NAME) { format!("… {new} …") } else { without_value(line) }
}

/// Colors the lines of a diff.
pub(crate) fn colored(diff: &str) -> String {
    let color = |line: &str| match line.as_bytes().first() {
        Some(b'+') => format!("{SUCCESS}{line}{SUCCESS:#}"),
        Some(b'-') => format!("{ERROR}{line}{ERROR:#}"),
        Some(b'@') => format!("{DIM}{line}{DIM:#}"),
        _ => line.to_owned(),
    };
    diff.lines().map(color).collect::<Vec<_>>().join("\n")
}

/// Hides the text after a key. It may be a secret, and a language model may read the output.
fn without_value(line: &str) -> String {
    match line.find([':', '=']) {
        Some(at) if line[at + 1..].contains(['"', '\'']) => format!("{} …", &line[..=at]),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn a_diff_shows_our_entry_and_no_secret_of_others() {
        let lines = "{\n  \"a\": {\n    \"KEY\": \"secret\"\n  }\n}\n";
        for (before, after) in [
            (lines, lines.replace("{\n  \"a\"", "{\n  \"fanfare\": {},\n  \"a\"")),
            (lines, lines.replace("secret\"\n", "secret\",\n    \"fanfare\": {}\n")),
            ("{\"a\":{\"KEY\":\"secret\"}}", "{\"fanfare\": {},\"a\":{\"KEY\":\"secret\"}}".to_owned()),
            (
                "{\"fanfare\": 1,\"a\":{\"KEY\":\"secret\"}}",
                "{\"fanfare\": {\"fanfare\": {}},\"a\":{\"KEY\":\"secret\"}}".to_owned(),
            ),
            ("KEY = \"secret\"", "KEY = \"secret\"\n\n[x.\"fanfare\": {}]\n".to_owned()),
        ] {
            let diff = unified("~/x.json", Some(before), Some(&after), true);
            assert!(!diff.contains("secret"), "{diff}");
            assert!(diff.contains("\"fanfare\": {}"), "{diff}");
            let back = unified("~/x.json", Some(&after), Some(before), false);
            assert!(!back.contains("secret"), "{back}");
        }
    }
}
