//! TOML files. Our table is added at the end; adding and removing it keeps every other byte.

use std::ops::Range;

use toml_edit::{Document, DocumentMut, Item, Table};

use crate::cli::install::entry::{Entry, Member, NAME};
use crate::cli::install::layout::line_break;
use crate::cli::install::problem::Problem;

/// Returns our entry, if there is one.
pub(crate) fn found(text: &str, servers: &str) -> Result<Option<serde_json::Value>, Problem> {
    let mut meaning = meaning(text)?;
    let Some(list) = meaning.remove(servers) else { return Ok(None) };
    let toml::Value::Table(mut list) = list else {
        return Err(Problem::new(format!("`{servers}` is not a table")));
    };
    list.remove(NAME)
        .map(|entry| serde_json::to_value(entry).map_err(|error| Problem::new(error.to_string())))
        .transpose()
}

/// Returns the text of our table, if it is one run of lines.
pub(crate) fn written(text: &str, servers: &str) -> Option<String> {
    let document = Document::parse(text).ok()?;
    match &*runs(text, document.as_item().get(servers)?.get(NAME)?) {
        [run] => Some(text[run.clone()].to_owned()),
        _ => None,
    }
}

/// Returns the text with our entry.
pub(crate) fn with(text: &str, servers: &str, entry: &Entry) -> Result<String, Problem> {
    let mut expected = meaning(text)?;
    let list = expected.entry(servers).or_insert_with(|| toml::Table::new().into());
    let Some(list) = list.as_table_mut() else {
        return Err(Problem::new(format!("`{servers}` is not a table")));
    };
    let rest = match list.insert(NAME.to_owned(), entry.toml_value()) {
        None => text.to_owned(),
        Some(there) if there == entry.toml_value() => return Ok(text.to_owned()),
        Some(_) => {
            if let Some(after) = in_place(text, servers, entry)
                && meaning(&after).is_ok_and(|meaning| meaning == expected)
            {
                return Ok(after);
            }
            without(text, servers, true)?
        }
    };
    let after = with_rendered(&rest, |newline| entry.toml(&format!("{servers}.{NAME}"), newline));
    match meaning(&after) {
        Ok(meaning) if meaning == expected => Ok(after),
        Ok(_) | Err(_) => Err(Problem::new(format!(
            "`{servers}` is written in a way that cannot be continued at the end of the file"
        ))),
    }
}

/// Returns the text with new values in the place of the old ones: comments, and tables below ours, stay. `None` if the
/// library does not write the rest as it was.
fn in_place(text: &str, servers: &str, entry: &Entry) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    if document.to_string() != text {
        return None;
    }
    let table = document.get_mut(servers)?.get_mut(NAME)?.as_table_like_mut()?;
    let there: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
    for name in there.iter().filter(|name| entry.members.iter().all(|(known, _)| known != name.as_str())) {
        table.remove(name);
    }
    for (name, member) in &entry.members {
        if matches!(member, Member::Kept(_)) && table.contains_key(name) {
            continue;
        }
        let value: toml_edit::Value = toml::Value::try_from(member.value()).ok()?.to_string().parse().ok()?;
        match table.get_mut(name) {
            Some(Item::Value(old)) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            _ => drop(table.insert(name, Item::Value(value))),
        }
    }
    Some(document.to_string())
}

/// Returns the text with our entry, as `render` formats it, at the end.
pub(crate) fn with_rendered(text: &str, render: impl Fn(&str) -> String) -> String {
    let newline = line_break(text);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
    let has_gap = text.is_empty() || text.ends_with("\n\n") || text.ends_with("\n\r\n");
    let gap = if has_gap { "" } else { newline };
    format!("{text}{end}{gap}{}", render(newline))
}

/// Returns the text without our entry. An empty list of servers is removed too, unless `keeps_list`.
pub(crate) fn without(text: &str, servers: &str, keeps_list: bool) -> Result<String, Problem> {
    let mut expected = meaning(text)?;
    let list = expected.get_mut(servers).and_then(toml::Value::as_table_mut);
    let Some(list) = list else { return Ok(text.to_owned()) };
    if list.remove(NAME).is_none() {
        return Ok(text.to_owned());
    }
    let is_empty = list.is_empty();
    let mut bare = expected.clone();
    bare.remove(servers);
    let matches = |text: &String| {
        meaning(text).is_ok_and(|meaning| meaning == expected || (is_empty && meaning == bare))
    };
    let document = Document::parse(text).map_err(|error| problem(text, &error))?;
    let runs = document.as_item().get(servers).and_then(|list| list.get(NAME)).map(|item| runs(text, item));
    let cut = cut(text, &runs.unwrap_or_default());
    if matches(&cut) {
        return Ok(cut);
    }
    let mut document: DocumentMut = text.parse().map_err(|error| problem(text, &error))?;
    // If the library does not reproduce the text exactly, it would change more than our entry.
    let is_kept = document.to_string() == text;
    if let Some(list) = document.get_mut(servers).and_then(Item::as_table_like_mut) {
        list.remove(NAME);
        if list.is_empty() && !keeps_list {
            document.remove(servers);
        }
    }
    let edited = document.to_string();
    if is_kept && matches(&edited) {
        return Ok(edited);
    }
    Err(Problem::new(format!("`{servers}.{NAME}` cannot be removed without touching the rest")))
}

/// Returns whether the file is empty.
pub(crate) fn is_empty(text: &str) -> bool {
    text.trim().is_empty()
}

fn meaning(text: &str) -> Result<toml::Table, Problem> {
    text.parse().map_err(|error: toml::de::Error| match error.span() {
        Some(span) => Problem::at(text, span.start, error.message()),
        None => Problem::new(error.message()),
    })
}

fn problem(text: &str, error: &toml_edit::TomlError) -> Problem {
    match error.span() {
        Some(span) => Problem::at(text, span.start, error.message()),
        None => Problem::new(error.message()),
    }
}

/// Returns the runs of lines of a table and of the tables in it.
fn runs(text: &str, item: &Item) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    if let Item::Table(table) = item {
        collect(text, table, &mut runs);
    }
    runs.sort_by_key(|run| run.start);
    runs
}

fn collect(text: &str, table: &Table, runs: &mut Vec<Range<usize>>) {
    if let Some(span) = table.span().filter(|_| !table.is_dotted()) {
        let end = table.iter().map(|(_, item)| end_of(item)).max().unwrap_or(0).max(span.end);
        let start = text[..span.start].rfind('\n').map_or(0, |end| end + 1);
        let end = text[end..].find('\n').map_or(text.len(), |rest| end + rest + 1);
        runs.push(start..end);
    }
    for (_, item) in table {
        if let Item::Table(table) = item {
            collect(text, table, runs);
        }
    }
}

/// Returns the end of a value that is below the header of its table.
fn end_of(item: &Item) -> usize {
    match item {
        Item::Value(value) => value.span().map_or(0, |span| span.end),
        Item::Table(table) if table.is_dotted() => {
            table.iter().map(|(_, item)| end_of(item)).max().unwrap_or(0)
        }
        Item::Table(_) | Item::ArrayOfTables(_) | Item::None => 0,
    }
}

/// Removes runs of lines, each with one empty line before it.
fn cut(text: &str, runs: &[Range<usize>]) -> String {
    let mut kept = String::new();
    let mut at = 0;
    for run in runs {
        kept.push_str(text.get(at..run.start).unwrap_or_default());
        for gap in ["\r\n", "\n"] {
            if kept == gap || kept.ends_with(&format!("\n{gap}")) {
                kept.truncate(kept.len() - gap.len());
                break;
            }
        }
        at = run.end;
        if kept.is_empty() {
            at += ["\r\n", "\n"].iter().find(|gap| text[at..].starts_with(**gap)).map_or(0, |gap| gap.len());
        }
    }
    kept.push_str(text.get(at..).unwrap_or_default());
    kept
}
