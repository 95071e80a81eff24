//! JSON files, with comments and trailing commas: our entry is put in and taken out, and every other byte stays.
//!
//! Only places are taken from the parser. What is written is one run of text right behind an opening brace, so
//! no line of others changes, comments stay with what they are about, and taking it out again is exact.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast, parse_to_serde_value};

use crate::cli::install::entry::{Entry, NAME};
use crate::cli::install::layout::{Layout, leading_space, line_break};
use crate::cli::install::problem::Problem;

/// What hosts read: JSON, with comments and trailing commas where a host knows them.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Some editors begin a file with it.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Gives our entry, when it is there.
pub(crate) fn found(text: &str, servers: &str) -> Result<Option<serde_json::Value>, Problem> {
    let (_, body) = body(text);
    let root = root(body)?;
    let Some(root) = &root else { return Ok(None) };
    let Some(list) = list(body, root, servers)? else { return Ok(None) };
    if once(body, list, NAME)?.is_none() {
        return Ok(None);
    }
    Ok(meaning(body)?.get(servers).and_then(|servers| servers.get(NAME)).cloned())
}

/// Gives our entry as it stands there.
pub(crate) fn written(text: &str, servers: &str) -> Option<String> {
    let (_, body) = body(text);
    let root = root(body).ok()??;
    let entry = once(body, list(body, &root, servers).ok()??, NAME).ok()??;
    Some(body[entry.value.start()..entry.value.end()].to_owned())
}

/// Gives the text with our entry in it.
pub(crate) fn with(text: &str, servers: &str, entry: &Entry) -> Result<String, Problem> {
    if found(text, servers)?.is_some_and(|there| there == entry.value()) {
        return Ok(text.to_owned());
    }
    let after = with_rendered(text, servers, |layout| entry.json(layout))?;
    let mut expected = meaning(body(text).1)?;
    if expected.is_null() {
        expected = serde_json::json!({});
    }
    expected[servers][NAME] = entry.value();
    checked(after, &expected)
}

/// Gives the text with what `render` writes for our entry.
pub(crate) fn with_rendered(
    text: &str,
    servers: &str,
    render: impl Fn(&Layout) -> String,
) -> Result<String, Problem> {
    let (mark, body) = body(text);
    let Some(root) = root(body)? else {
        let end = line_break(body);
        let gap = if body.is_empty() || body.ends_with('\n') { "" } else { end };
        let layout = Layout::document(body);
        let list = container(servers, &layout, &render);
        return Ok(format!("{text}{gap}{{{}{list}{end}}}{end}", layout.start()));
    };
    let base = Layout::of_root(body, &root);
    let edited = match list(body, &root, servers)? {
        None => insert(body, &root, &base, |layout| container(servers, layout, &render)),
        Some(list) => match once(body, list, NAME)? {
            None => insert(body, list, &base, |layout| format!("\"{NAME}\": {}", render(layout))),
            Some(entry) => {
                let layout = Layout::of_property(body, list, &base);
                replaced(body, entry.value.start()..entry.value.end(), &render(&layout))
            }
        },
    };
    Ok(format!("{mark}{edited}"))
}

/// Gives the text without our entry; the list of servers goes too when that leaves it empty and `keeps_list` is
/// off.
pub(crate) fn without(text: &str, servers: &str, keeps_list: bool) -> Result<String, Problem> {
    let (mark, body) = body(text);
    let Some(root_object) = root(body)? else { return Ok(text.to_owned()) };
    let Some(list) = list(body, &root_object, servers)? else { return Ok(text.to_owned()) };
    if once(body, list, NAME)?.is_none() {
        return Ok(text.to_owned());
    }
    let mut expected = meaning(body)?;
    expected[servers].as_object_mut().map(|list| list.remove(NAME));
    let is_empty = list.properties.len() == 1;
    let mut edited = take_out(body, list, NAME, &expected)?;
    if is_empty && !keeps_list {
        expected.as_object_mut().map(|root| root.remove(servers));
        let rest = edited.clone();
        if let Some(root) = root(&rest)? {
            edited = take_out(&rest, &root, servers, &expected)?;
        }
    }
    Ok(format!("{mark}{edited}"))
}

/// Says whether the file lists servers, be it none.
pub(crate) fn has_list(text: &str, servers: &str) -> bool {
    let (_, body) = body(text);
    root(body).ok().flatten().is_some_and(|root| root.get(servers).is_some())
}

/// Says whether nothing is left in the file.
pub(crate) fn is_empty(text: &str) -> bool {
    matches!(body(text).1.trim(), "" | "{}")
}

fn body(text: &str) -> (&str, &str) {
    match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(body) => (BYTE_ORDER_MARK, body),
        None => ("", text),
    }
}

/// Reads the outermost object; none when there is nothing but space and comments.
fn root(body: &str) -> Result<Option<Object<'_>>, Problem> {
    let parsed = parse_to_ast(body, &CollectOptions::default(), &OPTIONS)
        .map_err(|error| Problem::at_line(error.line_display(), error.kind().to_string()))?;
    match parsed.value {
        None => Ok(None),
        Some(Value::Object(root)) => Ok(Some(root)),
        Some(other) => Err(Problem::at(body, other.range().start, "there is no `{…}` around everything")),
    }
}

fn meaning(body: &str) -> Result<serde_json::Value, Problem> {
    parse_to_serde_value(body, &OPTIONS)
        .map_err(|error| Problem::at_line(error.line_display(), error.kind().to_string()))
}

/// Gives the object that lists servers.
fn list<'o, 'a>(body: &str, root: &'o Object<'a>, servers: &str) -> Result<Option<&'o Object<'a>>, Problem> {
    match once(body, root, servers)? {
        None => Ok(None),
        Some(ObjectProp { value: Value::Object(list), .. }) => Ok(Some(list)),
        Some(other) => Err(Problem::at(body, other.range.start, format!("`{servers}` is no `{{…}}`"))),
    }
}

/// Gives the property `name`. Hosts differ in which of two they take, so two are refused.
fn once<'o, 'a>(
    body: &str,
    object: &'o Object<'a>,
    name: &str,
) -> Result<Option<&'o ObjectProp<'a>>, Problem> {
    let mut named = object.properties.iter().filter(|property| property.name.as_str() == name);
    let first = named.next();
    match named.next() {
        None => Ok(first),
        Some(second) => Err(Problem::at(body, second.range.start, format!("`{name}` is there twice"))),
    }
}

fn container(servers: &str, layout: &Layout, render: impl Fn(&Layout) -> String) -> String {
    let inner = layout.deeper();
    format!("\"{servers}\": {{{}\"{NAME}\": {}{}}}", inner.start(), render(&inner), layout.start())
}

/// Puts a property first in `object`.
fn insert(body: &str, object: &Object, base: &Layout, property: impl Fn(&Layout) -> String) -> String {
    let layout = Layout::of_property(body, object, base);
    let (open, close) = (object.range.start + 1, object.range.end - 1);
    let at = if layout.is_inline { open } else { behind_comment(body, open, close) };
    let comma = if object.properties.is_empty() { "" } else { "," };
    let needs_break = object.properties.is_empty() && !layout.is_inline && !body[at..close].contains('\n');
    let tail = if needs_break { format!("{}{}", layout.newline, layout.outer()) } else { String::new() };
    let lead = match object.properties.first() {
        Some(first) if layout.is_inline => space_behind(body, open, first.range.start).to_owned(),
        Some(_) | None => layout.start(),
    };
    format!("{}{lead}{}{comma}{tail}{}", &body[..at], property(&layout), &body[at..])
}

fn space_behind(body: &str, from: usize, to: usize) -> &str {
    let between = &body[from..to];
    &between[..between.len() - between.trim_start().len()]
}

/// Gives the place behind a comment that ends the line of the opening brace: it is about the object, not about
/// what would come between.
fn behind_comment(body: &str, open: usize, close: usize) -> usize {
    let line = body[open..close].split_inclusive('\n').next().unwrap_or_default();
    let comment = line.trim();
    let is_whole = comment.starts_with("//")
        || (comment.starts_with("/*") && comment.find("*/") == Some(comment.len() - 2));
    if line.ends_with('\n') && is_whole { open + line.trim_end().len() } else { open }
}

/// Takes the property `name` out of `object`, and the comma that goes with it.
fn take_out(
    body: &str,
    object: &Object,
    name: &str,
    expected: &serde_json::Value,
) -> Result<String, Problem> {
    let index = object.properties.iter().position(|property| property.name.as_str() == name);
    let Some(index) = index else { return Ok(body.to_owned()) };
    let jsonc_parser::common::Range { start, end } = object.properties[index].range;
    let before_space = body[..start].trim_end().len();
    let comma = comma_behind(body, end);
    let previous = index.checked_sub(1).map(|index| object.properties[index].range.end);
    let mut candidates = Vec::new();
    match (comma, previous) {
        (Some(comma), _) => {
            candidates.push(replaced(body, before_space..comma + 1, ""));
            // The space ended a comment.
            candidates.push(replaced(body, start..comma + 1, ""));
        }
        (None, Some(previous)) => {
            let without = replaced(body, before_space..end, "");
            if let Some(comma) = comma_behind(body, previous) {
                candidates.push(replaced(&without, comma..comma + 1, ""));
            }
        }
        (None, None) => {
            let without = replaced(body, before_space..end, "");
            let open = object.range.start + 1;
            let close = object.range.end - 1 - (end - before_space);
            if without.get(open..close).is_some_and(|inside| inside.trim().is_empty()) {
                candidates.push(replaced(&without, open..close, ""));
            }
            candidates.push(without);
            candidates.push(replaced(body, start..end, ""));
        }
    }
    let fits = |text: &String| meaning(text).is_ok_and(|meaning| meaning == *expected);
    candidates.into_iter().find(fits).ok_or_else(|| {
        Problem::at(body, start, format!("`{name}` cannot be taken out without touching the rest"))
    })
}

/// Finds the comma behind `from`, over space and comments.
fn comma_behind(body: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = body.get(at..)?;
        let space = rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        at += space;
        if rest.starts_with(',') {
            return Some(at);
        }
        let comment = if rest.starts_with("//") {
            rest.find('\n')?
        } else if rest.starts_with("/*") {
            rest.find("*/")? + 2
        } else {
            return None;
        };
        at += comment;
    }
}

fn replaced(text: &str, range: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}

/// The last look before anything is written: everything else must mean what it meant.
fn checked(after: String, expected: &serde_json::Value) -> Result<String, Problem> {
    if meaning(body(&after).1)? == *expected {
        return Ok(after);
    }
    Err(Problem::new("the entry cannot be put in without touching the rest"))
}

impl Layout {
    fn of_root(body: &str, root: &Object) -> Layout {
        let document = Layout::document(body);
        let Some(first) = root.properties.first() else { return document };
        let is_inline = !body[root.range.start..first.range.start].contains('\n');
        let indent = leading_space(body, first.range.start);
        let step = indent.strip_prefix(leading_space(body, root.range.start)).unwrap_or(indent);
        let unit = if is_inline || step.is_empty() { document.unit.clone() } else { step.to_owned() };
        Layout { is_inline, indent: indent.to_owned(), unit, ..document }
    }

    /// Gives how a property of `object` stands: like its first one, or else one step deeper than the object.
    fn of_property(body: &str, object: &Object, base: &Layout) -> Layout {
        let line = leading_space(body, object.range.start);
        match object.properties.first() {
            Some(first) if body[object.range.start..first.range.start].contains('\n') => {
                let indent = leading_space(body, first.range.start).to_owned();
                Layout { is_inline: false, indent, ..base.clone() }
            }
            Some(_) => Layout { is_inline: true, ..base.clone() },
            None if base.is_inline => base.clone(),
            None => Layout { indent: format!("{line}{}", base.unit), ..base.clone() },
        }
    }
}
