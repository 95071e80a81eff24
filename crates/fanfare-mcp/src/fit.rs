//! Whether arguments fit the schema of a tool, for schemas of the kind that [`crate::portable`] lets pass.

use std::fmt;

use serde_json::{Map, Value};

/// A part of the arguments that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The place: a path of names and indexes; empty for all arguments.
    pub at: String,
    /// What is wrong there, and what would be right.
    pub what: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at.trim_start_matches('/') {
            "" => f.write_str(&self.what),
            at => write!(f, "`{at}` {}", self.what),
        }
    }
}

/// Checks `value` against `schema`.
pub fn check(schema: &Value, value: &Value) -> Result<(), Misfit> {
    fits(schema, value, "")
}

fn fits(schema: &Value, value: &Value, at: &str) -> Result<(), Misfit> {
    let misfit = |what: String| Err(Misfit { at: at.to_owned(), what });
    if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
        let mut first = None;
        for branch in branches {
            match fits(branch, value, at) {
                Ok(()) => return Ok(()),
                Err(misfit) => first = first.or(Some(misfit)),
            }
        }
        return first.map_or(Ok(()), Err);
    }
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let (is_it, wanted) = match kind {
        "array" => (value.is_array(), "a list"),
        "boolean" => (value.is_boolean(), "`true` or `false`"),
        "integer" => (is_whole(value), "a whole number"),
        "number" => (value.is_number(), "a number"),
        "object" => (value.is_object(), "an object"),
        _ => (value.is_string(), "text"),
    };
    if !is_it {
        return misfit(format!("is not {wanted}"));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array)
        && !words.contains(value)
    {
        let words: Vec<String> =
            words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return misfit(format!("is not one of {}", words.join(", ")));
    }
    if let Some(number) = value.as_f64() {
        bounds(schema, ["minimum", "maximum"], number, "number", at)?;
    }
    if let Some(items) = value.as_array() {
        bounds(schema, ["minItems", "maxItems"], items.len() as f64, "number of entries", at)?;
        for (index, item) in items.iter().enumerate() {
            fits(schema.get("items").unwrap_or(&Value::Null), item, &format!("{at}/{index}"))?;
        }
    }
    match value.as_object() {
        Some(members) => object(schema, members, at),
        None => Ok(()),
    }
}

fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn bounds(schema: &Value, names: [&str; 2], given: f64, what: &str, at: &str) -> Result<(), Misfit> {
    let [least, most] = names.map(|name| schema.get(name).and_then(Value::as_f64));
    let problem = match (least, most) {
        (Some(least), _) if given < least => format!("is too small; the smallest {what} is {least}"),
        (_, Some(most)) if given > most => format!("is too large; the largest {what} is {most}"),
        _ => return Ok(()),
    };
    Err(Misfit { at: at.to_owned(), what: problem })
}

fn object(schema: &Value, members: &Map<String, Value>, at: &str) -> Result<(), Misfit> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    for name in
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        if !members.contains_key(name) {
            return Err(Misfit { at: format!("{at}/{name}"), what: "is missing".to_owned() });
        }
    }
    for (name, value) in members {
        let at = format!("{at}/{name}");
        let Some(schema) = properties.get(name) else {
            let known: Vec<String> = properties.keys().map(|name| format!("`{name}`")).collect();
            let fix = if known.is_empty() { "there are no arguments".to_owned() } else { known.join(", ") };
            return Err(Misfit { at, what: format!("is not an argument; use {fix}") });
        };
        fits(schema, value, &at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;

    #[test]
    fn arguments_fit_or_are_told_where_they_do_not() {
        let schema = json!({
            "type": "object",
            "properties": {
                "env": { "type": "string", "enum": ["staging", "production"], "description": "d" },
                "count": { "type": "integer", "minimum": 1, "maximum": 5, "description": "d" },
                "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 2, "description": "d" },
                "at": { "anyOf": [{ "type": "string" }, { "type": "number" }], "description": "d" },
                "any": { "type": "object", "additionalProperties": true, "description": "d" },
                "sure": { "type": "boolean", "description": "d" },
            },
            "required": ["env"],
            "additionalProperties": false,
        });
        for (arguments, says) in [
            (json!({"env": "staging"}), None),
            (
                json!({"env": "staging", "count": 5.0, "tags": ["a"], "at": 1, "any": {"x": [1]}, "sure": true}),
                None,
            ),
            (json!([]), Some("is not an object")),
            (json!({}), Some("`env` is missing")),
            (json!({"env": "moon"}), Some("`env` is not one of `staging`, `production`")),
            (json!({"env": "staging", "count": 1.5}), Some("`count` is not a whole number")),
            (json!({"env": "staging", "count": 0}), Some("`count` is too small; the smallest number is 1")),
            (json!({"env": "staging", "count": 6}), Some("`count` is too large; the largest number is 5")),
            (json!({"env": "staging", "tags": ["a", 1]}), Some("`tags/1` is not text")),
            (
                json!({"env": "staging", "tags": ["a", "b", "c"]}),
                Some("`tags` is too large; the largest number of entries is 2"),
            ),
            (json!({"env": "staging", "at": true}), Some("`at` is not text")),
            (json!({"env": "staging", "sure": "yes"}), Some("`sure` is not `true` or `false`")),
            (json!({"env": "staging", "nev": 1}), Some("`nev` is not an argument; use `env`, `count`")),
        ] {
            let misfit = check(&schema, &arguments).err().map(|misfit| misfit.to_string());
            match says {
                None => assert_eq!(misfit, None, "{arguments}"),
                Some(says) => assert!(
                    misfit.as_ref().is_some_and(|text| text.starts_with(says)),
                    "{arguments}: {misfit:?}"
                ),
            }
        }
    }
}
