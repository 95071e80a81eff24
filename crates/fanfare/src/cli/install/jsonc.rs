//! JSON files, with comments and trailing commas. Adding and removing our entry keeps every other byte.
//!
//! The parser only finds places. The new text goes directly after an opening brace, so that no other line changes,
//! comments stay where they belong, and removing the entry restores the file exactly.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast, parse_to_serde_value};

use crate::cli::install::entry::{Entry, NAME, json};
use crate::cli::install::layout::{Layout, leading_space, line_break};
use crate::cli::install::problem::Problem;

/// The JSON that clients read: some of them allow comments and trailing commas.
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

/// Some editors put this mark at the start of a file.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Returns our entry, if there is one.
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

/// Returns the text of our entry, exactly as it is written.
pub(crate) fn written(text: &str, servers: &str) -> Option<String> {
    let (_, body) = body(text);
    let root = root(body).ok()??;
    let entry = once(body, list(body, &root, servers).ok()??, NAME).ok()??;
    Some(body[entry.value.start()..entry.value.end()].to_owned())
}

/// Returns the text with our entry.
pub(crate) fn with(text: &str, servers: &str, entry: &Entry) -> Result<String, Problem> {
    if found(text, servers)?.is_some_and(|there| there == entry.value()) {
        return Ok(text.to_owned());
    }
    let after = match in_place(text, servers, entry)? {
        Some(after) => after,
        None => with_rendered(text, servers, |layout| entry.json(layout))?,
    };
    let mut expected = meaning(body(text).1)?;
    if expected.is_null() {
        expected = serde_json::json!({});
    }
    expected[servers][NAME] = entry.value();
    checked(after, &expected)
}

/// Returns the text with new values of our entry in the place of the old ones, so that comments and layout in it stay.
/// `None` if it has other members than `entry`.
fn in_place(text: &str, servers: &str, entry: &Entry) -> Result<Option<String>, Problem> {
    let Some(there) = found(text, servers)? else { return Ok(None) };
    let (mark, body) = body(text);
    let Some(root_object) = root(body)? else { return Ok(None) };
    let Some(list) = list(body, &root_object, servers)? else { return Ok(None) };
    let Some(ObjectProp { value: Value::Object(object), .. }) = once(body, list, NAME)? else {
        return Ok(None);
    };
    if object.properties.len() != entry.members.len() {
        return Ok(None);
    }
    let base = Layout::of_root(body, &root_object);
    let layout = Layout::of_property(body, object, &base);
    let mut edited = body.to_owned();
    for property in object.properties.iter().rev() {
        let name = property.name.as_str();
        let Some((_, member)) = entry.members.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        if there.get(name) != Some(&member.value()) {
            let range = property.value.start()..property.value.end();
            edited = replaced(&edited, range, &json(member, &layout));
        }
    }
    Ok(Some(format!("{mark}{edited}")))
}

/// Returns the text with our entry as `render` formats it.
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

/// Returns the text without our entry. An empty list of servers is removed too, unless `keeps_list`.
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
    let mut edited = remove(body, list, NAME, &expected)?;
    if is_empty && !keeps_list {
        expected.as_object_mut().map(|root| root.remove(servers));
        let rest = edited.clone();
        if let Some(root) = root(&rest)? {
            edited = remove(&rest, &root, servers, &expected)?;
        }
    }
    Ok(format!("{mark}{edited}"))
}

/// Returns whether the file has a list of servers, even an empty one.
pub(crate) fn has_list(text: &str, servers: &str) -> bool {
    let (_, body) = body(text);
    root(body).ok().flatten().is_some_and(|root| root.get(servers).is_some())
}

/// Returns whether the file is empty or has only an empty object.
pub(crate) fn is_empty(text: &str) -> bool {
    matches!(body(text).1.trim(), "" | "{}")
}

fn body(text: &str) -> (&str, &str) {
    match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(body) => (BYTE_ORDER_MARK, body),
        None => ("", text),
    }
}

/// Parses the outermost object. `None` if there is only whitespace and comments.
fn root(body: &str) -> Result<Option<Object<'_>>, Problem> {
    let parsed = parse_to_ast(body, &CollectOptions::default(), &OPTIONS)
        .map_err(|error| Problem::at_line(error.line_display(), error.kind().to_string()))?;
    match parsed.value {
        None => Ok(None),
        Some(Value::Object(root)) => Ok(Some(root)),
        Some(other) => Err(Problem::at(body, other.range().start, "the file is not a `{…}` object")),
    }
}

fn meaning(body: &str) -> Result<serde_json::Value, Problem> {
    parse_to_serde_value(body, &OPTIONS)
        .map_err(|error| Problem::at_line(error.line_display(), error.kind().to_string()))
}

/// Returns the object that lists servers.
fn list<'o, 'a>(body: &str, root: &'o Object<'a>, servers: &str) -> Result<Option<&'o Object<'a>>, Problem> {
    match once(body, root, servers)? {
        None => Ok(None),
        Some(ObjectProp { value: Value::Object(list), .. }) => Ok(Some(list)),
        Some(other) => {
            Err(Problem::at(body, other.range.start, format!("`{servers}` is not a `{{…}}` object")))
        }
    }
}

/// Returns the property `name`. Fails if there are two, because clients differ in which one they use.
fn once<'o, 'a>(
    body: &str,
    object: &'o Object<'a>,
    name: &str,
) -> Result<Option<&'o ObjectProp<'a>>, Problem> {
    let mut named = object.properties.iter().filter(|property| property.name.as_str() == name);
    let first = named.next();
    match named.next() {
        None => Ok(first),
        Some(second) => Err(Problem::at(body, second.range.start, format!("`{name}` appears twice"))),
    }
}

fn container(servers: &str, layout: &Layout, render: impl Fn(&Layout) -> String) -> String {
    let inner = layout.deeper();
    format!("\"{servers}\": {{{}\"{NAME}\": {}{}}}", inner.start(), render(&inner), layout.start())
}

/// Adds a property at the start of `object`.
fn insert(body: &str, object: &Object, base: &Layout, property: impl Fn(&Layout) -> String) -> String {
    let layout = Layout::of_property(body, object, base);
    let (open, close) = (object.range.start + 1, object.range.end - 1);
    let at = if layout.is_inline { open } else { after_comment(body, open, close) };
    let comma = if object.properties.is_empty() { "" } else { "," };
    let needs_break = object.properties.is_empty() && !layout.is_inline && !body[at..close].contains('\n');
    let tail = if needs_break { format!("{}{}", layout.newline, layout.outer()) } else { String::new() };
    let lead = match object.properties.first() {
        Some(first) if layout.is_inline => space_after(body, open, first.range.start).to_owned(),
        Some(_) | None => layout.start(),
    };
    format!("{}{lead}{}{comma}{tail}{}", &body[..at], property(&layout), &body[at..])
}

fn space_after(body: &str, from: usize, to: usize) -> &str {
    let between = &body[from..to];
    &between[..between.len() - between.trim_start().len()]
}

/// Returns the place after a comment that ends the line of the opening brace. The comment is about the object, so the
/// new property must not separate them.
fn after_comment(body: &str, open: usize, close: usize) -> usize {
    let line = body[open..close].split_inclusive('\n').next().unwrap_or_default();
    let comment = line.trim();
    let is_whole = comment.starts_with("//")
        || (comment.starts_with("/*") && comment.find("*/") == Some(comment.len() - 2));
    if line.ends_with('\n') && is_whole { open + line.trim_end().len() } else { open }
}

/// Removes the property `name` from `object`, with its comma.
fn remove(body: &str, object: &Object, name: &str, expected: &serde_json::Value) -> Result<String, Problem> {
    let index = object.properties.iter().position(|property| property.name.as_str() == name);
    let Some(index) = index else { return Ok(body.to_owned()) };
    let jsonc_parser::common::Range { start, end } = object.properties[index].range;
    let before_space = body[..start].trim_end().len();
    let comma = comma_after(body, end);
    let previous = index.checked_sub(1).map(|index| object.properties[index].range.end);
    let mut candidates = Vec::new();
    match (comma, previous) {
        (Some(comma), _) => {
            candidates.push(replaced(body, before_space..comma + 1, ""));
            // The newline before the property may end a comment, and then has to stay.
            candidates.push(replaced(body, start..comma + 1, ""));
        }
        (None, Some(previous)) => {
            let without = replaced(body, before_space..end, "");
            if let Some(comma) = comma_after(body, previous) {
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
    let matches = |text: &String| meaning(text).is_ok_and(|meaning| meaning == *expected);
    candidates.into_iter().find(matches).ok_or_else(|| {
        Problem::at(body, start, format!("`{name}` cannot be removed without touching the rest"))
    })
}

/// Finds the comma after `from`, skipping whitespace and comments.
fn comma_after(body: &str, from: usize) -> Option<usize> {
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

/// Fails unless the new text has exactly the expected meaning. It is the last check before a file is written.
fn checked(after: String, expected: &serde_json::Value) -> Result<String, Problem> {
    if meaning(body(&after).1)? == *expected {
        return Ok(after);
    }
    Err(Problem::new("the entry cannot be added without touching the rest"))
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

    /// Returns the layout of a property of `object`: that of its first one, or else one step deeper than the object.
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
