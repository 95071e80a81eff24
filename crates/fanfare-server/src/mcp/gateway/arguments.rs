//! Arguments of tools: parsed strictly, and refused with errors that a model can act on.

use std::ops::RangeInclusive;
use std::time::Duration;

use fanfare_core::duration::Literal;
use fanfare_core::start::Moment;
use fanfare_core::{Invalid, Position};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use fanfare_hub::Hub;

/// Parses `arguments`, a JSON object. The error names the problem and the arguments that the tool accepts, as `schema`
/// lists them.
pub(super) fn read<T: DeserializeOwned>(arguments: &str, schema: &Value, example: &str) -> Result<T, String> {
    serde_json::from_str(arguments).map_err(|error| explain(arguments, schema, example, &error))
}

/// Describes the problem with the argument `name`.
pub(super) fn refuse(name: &str, invalid: &Invalid, example: &str) -> String {
    format!("`{name}`: {}; {}. Example: {example}", invalid.what, invalid.fix)
}

/// Describes a duration or a time: text, or a number of seconds.
pub(super) fn text_or_seconds(description: &str) -> Value {
    json!({
        "description": description,
        "anyOf": [{ "type": "string" }, { "type": "number", "minimum": 0 }],
    })
}

/// Parses a duration in `range`.
pub(super) fn duration(
    name: &str,
    given: Option<&Literal>,
    range: &RangeInclusive<Duration>,
    example: &str,
) -> Result<Option<Duration>, String> {
    given.map(|literal| literal.within(range).map_err(|invalid| refuse(name, &invalid, example))).transpose()
}

/// Parses a time.
pub(super) fn moment(name: &str, given: Option<&Literal>, example: &str) -> Result<Option<Moment>, String> {
    given.map(|literal| literal.text().parse().map_err(|invalid| refuse(name, &invalid, example))).transpose()
}

/// Returns the number if it is in `range`.
pub(super) fn within(
    name: &str,
    given: Option<u64>,
    range: RangeInclusive<u64>,
    default: u64,
    example: &str,
) -> Result<u64, String> {
    let number = given.unwrap_or(default);
    if range.contains(&number) {
        return Ok(number);
    }
    let (least, most) = (range.start(), range.end());
    Err(format!("`{name}` is {number}; use {least} to {most}, or omit it for {default}. Example: {example}"))
}

/// Reads a position of this log.
pub(super) fn position(hub: &Hub, name: &str, text: &str, example: &str) -> Result<Position, String> {
    let position: Position = text.parse().map_err(|invalid| refuse(name, &invalid, example))?;
    if position.epoch == hub.epoch() {
        return Ok(position);
    }
    Err(format!(
        "`{name}`: `{position}` belongs to a different log (an earlier one of this gateway, or another gateway's); \
         positions in this log start with `{}-`, and the last is `{}`. Call again without `{name}`, or with a \
         position this gateway returned. Example: {example}",
        hub.epoch(),
        hub.last()
    ))
}

/// Finds the problem. Only arguments that were refused reach this function, so it can be slow.
fn explain(arguments: &str, schema: &Value, example: &str, error: &serde_json::Error) -> String {
    let empty = serde_json::Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let names: Vec<_> = properties.keys().map(|name| format!("`{name}`")).collect();
    let given: Value = serde_json::from_str(arguments).unwrap_or_default();
    let given = given.as_object().unwrap_or(&empty);
    let what = if let Some(unknown) = given.keys().find(|name| !properties.contains_key(*name)) {
        let shown: String = unknown.chars().take(60).flat_map(char::escape_debug).collect();
        format!("unknown argument `{shown}`; this tool takes {}", names.join(", "))
    } else if let Some(missing) = required(schema).find(|name| !given.contains_key(*name)) {
        format!("the argument `{missing}` is missing")
    } else if let Some(problem) =
        given.iter().find_map(|(name, value)| misfit(name, value, properties.get(name)?))
    {
        problem
    } else {
        format!("invalid arguments: {error}")
    };
    format!("{what}. Example: {example}")
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Describes how `value` violates the `schema` of the argument `name`.
fn misfit(name: &str, value: &Value, schema: &Value) -> Option<String> {
    let wanted = kinds(schema);
    if !wanted.iter().any(|kind| fits(value, kind)) {
        return Some(format!("`{name}` must be of type {}", wanted.join(" or ")));
    }
    if let Some(valid) = schema.get("enum").and_then(Value::as_array)
        && !valid.contains(value)
    {
        let valid: Vec<_> =
            valid.iter().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
        return Some(format!("`{name}` must be one of {}", valid.join(", ")));
    }
    let bound = |which| schema.get(which).and_then(Value::as_i64);
    if let (Some(least), Some(most), Some(number)) = (bound("minimum"), bound("maximum"), value.as_f64())
        && !(least as f64..=most as f64).contains(&number)
    {
        return Some(format!("`{name}` must be from {least} to {most}"));
    }
    let items = schema.get("items")?;
    value.as_array()?.iter().find_map(|item| misfit(&format!("{name}[]"), item, items))
}

/// Returns the types that `schema` names: one, or those of which any is fine.
fn kinds(schema: &Value) -> Vec<&str> {
    fn kind(schema: &Value) -> &str {
        schema.get("type").and_then(Value::as_str).unwrap_or_default()
    }
    match schema.get("anyOf").and_then(Value::as_array) {
        Some(any) => any.iter().map(kind).collect(),
        None => vec![kind(schema)],
    }
}

fn fits(value: &Value, wanted: &str) -> bool {
    match wanted {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        _ => true,
    }
}
