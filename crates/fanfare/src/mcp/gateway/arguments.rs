//! Arguments of tools: read strictly, refused in words that a model can act on.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads `arguments`, a JSON object; the error says what is wrong and what the tool takes, as `schema` has it.
pub(super) fn read<T: DeserializeOwned>(arguments: &str, schema: &Value, example: &str) -> Result<T, String> {
    serde_json::from_str(arguments).map_err(|error| explain(arguments, schema, example, &error))
}

/// Finds what is wrong. Only arguments that were refused come here, so it may be slow.
fn explain(arguments: &str, schema: &Value, example: &str, error: &serde_json::Error) -> String {
    let empty = serde_json::Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let names: Vec<_> = properties.keys().map(|name| format!("`{name}`")).collect();
    let given: Value = serde_json::from_str(arguments).unwrap_or_default();
    let given = given.as_object().unwrap_or(&empty);
    let what = if let Some(unknown) = given.keys().find(|name| !properties.contains_key(*name)) {
        let shown: String = unknown.chars().take(60).flat_map(char::escape_debug).collect();
        format!("there is no argument `{shown}`; this tool takes {}", names.join(", "))
    } else if let Some(missing) = required(schema).find(|name| !given.contains_key(*name)) {
        format!("the argument `{missing}` is missing")
    } else if let Some((name, wanted)) = given.iter().find_map(|(name, value)| {
        let wanted = properties.get(name)?.get("type")?.as_str()?;
        (!fits(value, wanted)).then_some((name, wanted))
    }) {
        format!("`{name}` must be of type {wanted}")
    } else {
        format!("the arguments do not fit: {error}")
    };
    format!("{what}. Example: {example}")
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
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
