//! What every host accepts of a tool.
//!
//! A host passes the schema of a tool on to the provider of its model, and each provider accepts another part of JSON
//! Schema. One refused schema ends the whole request, so that no tool of any server works. The rules here are what all
//! of them accept, each with the hosts that make it.

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

/// Maximum length of a tool's name. Providers allow 64 characters, and a host puts a prefix before it: Claude Code's
/// longest for a server called `fanfare` is `mcp__plugin_fanfare_fanfare__`. Cursor drops a tool whose name has more than
/// 60 together with that of its server.
pub const NAME_LEN_MAX: usize = 32;
/// Maximum characters of a tool's description: OpenAI refuses more.
pub const DESCRIPTION_CHARS_MAX: usize = 1_024;
/// Maximum characters of a server's instructions: Claude Code cuts them off there.
pub const INSTRUCTIONS_CHARS_MAX: usize = 2_048;
/// Maximum levels of a schema. OpenAI's strict mode began with five, and deployments of that time are still in use.
pub const DEPTH_MAX: usize = 5;
/// Maximum properties of a schema, at all levels together: the first limit of OpenAI's strict mode.
pub const PROPERTIES_MAX: usize = 100;
/// Maximum values of all enums of a schema together: the first limit of OpenAI's strict mode.
pub const ENUM_VALUES_MAX: usize = 500;
/// Maximum length of a property's name: Claude's API refuses more.
pub const PROPERTY_LEN_MAX: usize = 64;

const ALL: &str = "all hosts";
const CLAUDE: &str = "Claude";
const CLAUDE_AND_OPENAI: &str = "Claude and OpenAI";
const GEMINI: &str = "Gemini";
const GEMINI_AND_OPENAI: &str = "Gemini, and OpenAI in strict mode";
const INSPECTOR: &str = "the MCP Inspector";
const OPENAI: &str = "OpenAI";
const OPENAI_STRICT: &str = "OpenAI in strict mode";
const VSCODE_CODEX_GEMINI: &str = "VS Code, Codex and Gemini";

/// The keywords that every provider accepts, of those that say something to a model.
const KEYWORDS: [&str; 12] = [
    "additionalProperties",
    "anyOf",
    "description",
    "enum",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "properties",
    "required",
    "type",
];

/// A part of a tool that some host refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unportable {
    /// The place: `name`, `description`, or a path into a schema.
    pub at: String,
    /// What is wrong there, and what would be right.
    pub what: String,
    /// The hosts that refuse it.
    pub hosts: &'static str,
}

impl fmt::Display for Unportable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unportable { at, what, hosts } = self;
        write!(f, "`{at}` {what} ({hosts})")
    }
}

/// Checks the name and the description of a tool.
pub fn check_words(name: &str, description: &str) -> Vec<Unportable> {
    let mut found = Found::default();
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !begins || !name.chars().all(is_fine) {
        found.add("name", "is not a letter followed by letters, digits, `_` and `-`", ALL);
    }
    if name.len() > NAME_LEN_MAX {
        found.add(
            "name",
            format!("has more than {NAME_LEN_MAX} characters"),
            "Claude, Cursor, OpenAI, VS Code",
        );
    }
    if description.trim().is_empty() {
        found.add("description", "is empty; a model decides by it whether to call the tool", ALL);
    }
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        found.add("description", format!("has more than {DESCRIPTION_CHARS_MAX} characters"), OPENAI);
    }
    found.problems
}

/// Checks the schema of a tool's arguments.
pub fn check_input(schema: &Value) -> Vec<Unportable> {
    let mut found = Found::default();
    if root(schema, &mut found) {
        input(schema, "", 1, &mut found);
        if found.properties > PROPERTIES_MAX {
            found.add("", format!("has more than {PROPERTIES_MAX} properties"), OPENAI_STRICT);
        }
        if found.enum_values > ENUM_VALUES_MAX {
            found.add("", format!("has more than {ENUM_VALUES_MAX} values in its enums"), OPENAI_STRICT);
        }
    }
    found.problems
}

/// Checks the schema of a tool's `structuredContent`. Clients check answers against it and no model sees it, so a member
/// may be any JSON, and more members may be added.
pub fn check_output(schema: &Value) -> Vec<Unportable> {
    let mut found = Found::default();
    if root(schema, &mut found) {
        output(schema, "", &mut found);
    }
    found.problems
}

#[derive(Default)]
struct Found {
    problems: Vec<Unportable>,
    properties: usize,
    enum_values: usize,
}

impl Found {
    fn add(&mut self, at: &str, what: impl Into<String>, hosts: &'static str) {
        let at = if at.is_empty() { "/" } else { at };
        self.problems.push(Unportable { at: at.to_owned(), what: what.into(), hosts });
    }
}

/// Checks what only the whole schema must be; returns whether it is an object.
fn root(schema: &Value, found: &mut Found) -> bool {
    let Some(members) = schema.as_object() else {
        found.add("", "is not a schema object", ALL);
        return false;
    };
    if members.get("type") != Some(&Value::from("object")) {
        found.add("", "does not have the type `object`", ALL);
    }
    if !members.get("properties").is_some_and(Value::is_object) {
        found.add("", "has no `properties`; write `{}` if there are none", OPENAI);
    }
    for keyword in ["allOf", "anyOf", "enum", "not", "oneOf"] {
        if members.contains_key(keyword) {
            found.add("", format!("has `{keyword}` at its top level"), CLAUDE_AND_OPENAI);
        }
    }
    true
}

fn input(schema: &Value, at: &str, depth: usize, found: &mut Found) {
    let Some(members) = schema.as_object() else {
        return found.add(at, "is not a schema object", ALL);
    };
    if depth > DEPTH_MAX {
        return found.add(at, format!("is nested deeper than {DEPTH_MAX} levels"), OPENAI_STRICT);
    }
    for keyword in members.keys().filter(|keyword| !KEYWORDS.contains(&keyword.as_str())) {
        keyword_refused(keyword, at, found);
    }
    if let Some(branches) = members.get("anyOf") {
        return any_of(members, branches, at, depth, found);
    }
    let Some(kind) = members.get("type").and_then(Value::as_str) else {
        return found.add(at, "does not have one `type`", GEMINI_AND_OPENAI);
    };
    match kind {
        "array" => array(members, at, depth, found),
        "boolean" | "integer" | "number" | "string" => {}
        "object" => object(members, at, depth, found),
        _ => found.add(at, format!("has the type `{kind}`"), GEMINI),
    }
    if let Some(values) = members.get("enum") {
        enumeration(values, kind, at, found);
    }
}

fn keyword_refused(keyword: &str, at: &str, found: &mut Found) {
    let hosts = match keyword {
        "$defs" | "$ref" | "definitions" => "Claude and Gemini",
        "allOf" | "dependentRequired" | "dependentSchemas" | "else" | "if" | "not" | "oneOf" | "then" => {
            GEMINI_AND_OPENAI
        }
        "default" | "maxLength" | "minLength" | "format" | "pattern" => GEMINI_AND_OPENAI,
        _ => GEMINI,
    };
    let instead = match keyword {
        "default" => "; name the default in the description",
        "const" => "; use `enum` with one value",
        "oneOf" => "; use `anyOf`",
        _ => "",
    };
    found.add(at, format!("uses `{keyword}`{instead}"), hosts);
}

fn any_of(members: &Map<String, Value>, branches: &Value, at: &str, depth: usize, found: &mut Found) {
    if members.keys().any(|keyword| !matches!(keyword.as_str(), "anyOf" | "description")) {
        found.add(at, "has other keywords than a description beside `anyOf`", GEMINI);
    }
    let branches = branches.as_array().map_or(&[][..], Vec::as_slice);
    if branches.is_empty() {
        found.add(at, "has an `anyOf` without branches", ALL);
    }
    for (index, branch) in branches.iter().enumerate() {
        input(branch, &format!("{at}/anyOf/{index}"), depth, found);
    }
}

fn array(members: &Map<String, Value>, at: &str, depth: usize, found: &mut Found) {
    match members.get("items") {
        Some(items) => input(items, &format!("{at}/items"), depth + 1, found),
        None => found.add(at, "is an array without `items`", VSCODE_CODEX_GEMINI),
    }
}

fn object(members: &Map<String, Value>, at: &str, depth: usize, found: &mut Found) {
    let properties = members.get("properties").and_then(Value::as_object);
    let is_closed = members.get("additionalProperties") == Some(&Value::Bool(false));
    match properties {
        // Any object: the strict mode does not have that, and hosts then do without the mode.
        None if members.get("additionalProperties") == Some(&Value::Bool(true)) => {}
        None => {
            found.add(
                at,
                "is an object without `properties`, and `additionalProperties` is not true",
                OPENAI,
            );
        }
        Some(_) if !is_closed => {
            found.add(at, "does not have `additionalProperties` false", OPENAI_STRICT);
        }
        Some(_) => {}
    }
    let is_known = |name: &str| properties.is_some_and(|known| known.contains_key(name));
    for name in members.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !name.as_str().is_some_and(is_known) {
            found.add(at, format!("requires {name}, which is not in its `properties`"), GEMINI);
        }
    }
    for (name, property) in properties.into_iter().flatten() {
        found.properties += 1;
        let at = format!("{at}/{name}");
        property_name(name, &at, found);
        if property.get("description").and_then(Value::as_str).is_none_or(|said| said.trim().is_empty()) {
            found.add(&at, "has no description; a model guesses what it is", ALL);
        }
        input(property, &at, depth + 1, found);
    }
}

fn property_name(name: &str, at: &str, found: &mut Found) {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !begins || !name.chars().all(is_fine) {
        let what = "has a name that is not a letter or `_` followed by letters, digits, `_` and `-`";
        found.add(at, what, "Claude and Gemini");
    }
    if name.len() > PROPERTY_LEN_MAX {
        found.add(at, format!("has a name of more than {PROPERTY_LEN_MAX} characters"), CLAUDE);
    }
}

fn enumeration(values: &Value, kind: &str, at: &str, found: &mut Found) {
    let values = values.as_array().map_or(&[][..], Vec::as_slice);
    found.enum_values += values.len();
    if kind != "string" || values.is_empty() {
        return found.add(at, "has an `enum` that is not a list of texts", GEMINI);
    }
    if values.iter().any(|value| value.as_str().is_none_or(str::is_empty)) {
        found.add(at, "has an `enum` with an empty text, or with something else", GEMINI);
    }
}

fn output(schema: &Value, at: &str, found: &mut Found) {
    let Some(members) = schema.as_object() else {
        return found.add(at, "is not a schema object", ALL);
    };
    if members.get("type").is_some_and(|kind| !kind.is_string()) {
        found.add(at, "has several types", INSPECTOR);
    }
    if members.keys().all(|keyword| matches!(keyword.as_str(), "description" | "title")) {
        found.add(
            at,
            "accepts any value; write `\"not\": {\"type\": \"null\"}` if it can be any JSON",
            INSPECTOR,
        );
    }
    if members.contains_key("$ref") {
        found.add(at, "uses `$ref`, which clients must not follow to other documents", ALL);
    }
    let kind = members.get("type").and_then(Value::as_str);
    if kind == Some("array") && !members.contains_key("items") {
        found.add(at, "is an array without `items`", VSCODE_CODEX_GEMINI);
    }
    if let Some(items) = members.get("items") {
        output(items, &format!("{at}/items"), found);
    }
    for (index, branch) in members.get("anyOf").and_then(Value::as_array).into_iter().flatten().enumerate() {
        output(branch, &format!("{at}/anyOf/{index}"), found);
    }
    let properties = members.get("properties").and_then(Value::as_object);
    for name in members.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !name.as_str().is_some_and(|name| properties.is_some_and(|known| known.contains_key(name))) {
            found.add(at, format!("requires {name}, which is not in its `properties`"), ALL);
        }
    }
    for (name, property) in properties.into_iter().flatten() {
        output(property, &format!("{at}/{name}"), found);
    }
}
