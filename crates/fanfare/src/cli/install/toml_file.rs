//! TOML files: our table is put at the end and taken out again, and every other byte stays.

use std::ops::Range;

use toml_edit::{Document, DocumentMut, Item, Table};

use crate::cli::install::entry::{Entry, NAME};
use crate::cli::install::layout::line_break;
use crate::cli::install::problem::Problem;

/// Gives our entry, when it is there.
pub(crate) fn found(text: &str, servers: &str) -> Result<Option<serde_json::Value>, Problem> {
    let mut meaning = meaning(text)?;
    let Some(list) = meaning.remove(servers) else { return Ok(None) };
    let toml::Value::Table(mut list) = list else {
        return Err(Problem::new(format!("`{servers}` is no table")));
    };
    list.remove(NAME)
        .map(|entry| serde_json::to_value(entry).map_err(|error| Problem::new(error.to_string())))
        .transpose()
}

/// Gives our table as it stands there, when it is one run of lines.
pub(crate) fn written(text: &str, servers: &str) -> Option<String> {
    let document = Document::parse(text).ok()?;
    match &*runs(text, document.as_item().get(servers)?.get(NAME)?) {
        [run] => Some(text[run.clone()].to_owned()),
        _ => None,
    }
}

/// Gives the text with our entry in it.
pub(crate) fn with(text: &str, servers: &str, entry: &Entry) -> Result<String, Problem> {
    let mut expected = meaning(text)?;
    let list = expected.entry(servers).or_insert_with(|| toml::Table::new().into());
    let Some(list) = list.as_table_mut() else {
        return Err(Problem::new(format!("`{servers}` is no table")));
    };
    let rest = match list.insert(NAME.to_owned(), entry.toml_value()) {
        None => text.to_owned(),
        Some(there) if there == entry.toml_value() => return Ok(text.to_owned()),
        Some(_) => without(text, servers, true)?,
    };
    let after = with_rendered(&rest, |newline| entry.toml(&format!("{servers}.{NAME}"), newline));
    match meaning(&after) {
        Ok(meaning) if meaning == expected => Ok(after),
        Ok(_) | Err(_) => Err(Problem::new(format!(
            "`{servers}` is written in a form that cannot be continued at the end of the file"
        ))),
    }
}

/// Gives the text with what `render` writes at its end.
pub(crate) fn with_rendered(text: &str, render: impl Fn(&str) -> String) -> String {
    let newline = line_break(text);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
    let has_gap = text.is_empty() || text.ends_with("\n\n") || text.ends_with("\n\r\n");
    let gap = if has_gap { "" } else { newline };
    format!("{text}{end}{gap}{}", render(newline))
}

/// Gives the text without our entry; an empty list of servers goes too unless `keeps_list`.
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
    let fits = |text: &String| {
        meaning(text).is_ok_and(|meaning| meaning == expected || (is_empty && meaning == bare))
    };
    let document = Document::parse(text).map_err(|error| problem(text, &error))?;
    let runs = document.as_item().get(servers).and_then(|list| list.get(NAME)).map(|item| runs(text, item));
    let cut = cut(text, &runs.unwrap_or_default());
    if fits(&cut) {
        return Ok(cut);
    }
    let mut document: DocumentMut = text.parse().map_err(|error| problem(text, &error))?;
    // What does not come out as it went in would lose more than our entry.
    let is_kept = document.to_string() == text;
    if let Some(list) = document.get_mut(servers).and_then(Item::as_table_like_mut) {
        list.remove(NAME);
        if list.is_empty() && !keeps_list {
            document.remove(servers);
        }
    }
    let edited = document.to_string();
    if is_kept && fits(&edited) {
        return Ok(edited);
    }
    Err(Problem::new(format!("`{servers}.{NAME}` cannot be taken out without touching the rest")))
}

/// Says whether nothing is left in the file.
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

/// Gives the lines of a table under its own header, and those of its tables.
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

/// Gives where a value ends that stands under the header of its table.
fn end_of(item: &Item) -> usize {
    match item {
        Item::Value(value) => value.span().map_or(0, |span| span.end),
        Item::Table(table) if table.is_dotted() => {
            table.iter().map(|(_, item)| end_of(item)).max().unwrap_or(0)
        }
        Item::Table(_) | Item::ArrayOfTables(_) | Item::None => 0,
    }
}

/// Takes runs of lines out, each with one empty line before it.
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
