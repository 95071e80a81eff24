//! Tools that test schemas.

use fanfare_mcp::tools::{Answer, Call as ToolCall, Tool};
use serde_json::{Value, json};

use crate::tools::{text, with_schema};

const JSON_SCHEMA: &str = "json_schema_2020_12_tool";
const HEADERS: &str = "test_parameter_headers";

/// Lists them.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        with_schema(JSON_SCHEMA, "JSON Schema 2020-12", "Takes what its schema describes", vocabulary()),
        with_schema(HEADERS, "Headers", "Takes arguments that are repeated in headers", repeated()),
    ]
}

/// Returns the answer of a tool.
pub(super) fn answer(tool: &ToolCall<'_>) -> Option<Answer> {
    let is_ours = [JSON_SCHEMA, HEADERS].contains(&tool.name.as_str());
    is_ours.then(|| text(format!("Called with {}", tool.arguments())))
}

/// Every word of JSON Schema 2020-12 that the suite looks for: a schema is to reach the client as it is.
fn vocabulary() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}

/// An argument of every kind that can be repeated, and one nested in another.
fn repeated() -> Value {
    json!({
        "type": "object",
        "properties": {
            "region": { "type": "string", "description": "Repeated as text", "x-mcp-header": "Region" },
            "priority": { "type": "integer", "description": "Repeated as a number", "x-mcp-header": "Priority" },
            "dry": { "type": "boolean", "description": "Repeated as true or false", "x-mcp-header": "Dry" },
            "place": {
                "type": "object",
                "properties": { "zone": { "type": "string", "x-mcp-header": "Zone" } },
            },
            "query": { "type": "string", "description": "Not repeated" },
        },
    })
}
