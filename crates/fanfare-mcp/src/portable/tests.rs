//! What passes, and what each host refuses.

use serde_json::{Value, json};

use super::{DESCRIPTION_CHARS_MAX, NAME_LEN_MAX, check_input, check_output, check_words};

/// Returns the schema of one argument, `x`.
fn argument(mut schema: Value) -> Value {
    schema["description"] = json!("What it is");
    json!({ "type": "object", "properties": { "x": schema }, "additionalProperties": false })
}

#[test]
fn what_every_host_accepts_passes() {
    for schema in [
        json!({ "type": "string", "enum": ["a", "b"] }),
        json!({ "type": "integer", "minimum": 1, "maximum": 5 }),
        json!({ "type": "array", "items": { "type": "string" }, "maxItems": 3 }),
        json!({ "type": "object", "additionalProperties": true }),
        json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "number" } }] }),
    ] {
        assert_eq!(check_input(&argument(schema.clone())), [], "{schema}");
    }
    assert_eq!(
        check_input(&json!({ "type": "object", "properties": {}, "additionalProperties": false })),
        []
    );
    assert_eq!(check_words("ask-the_bot2", "Asks."), []);
    let any = json!({ "type": "object", "properties": { "x": { "not": { "type": "null" } } } });
    assert_eq!(check_output(&any), []);
}

#[test]
fn what_one_host_refuses_is_found_with_its_place_and_the_host() {
    let object = |more: Value| {
        let mut object = json!({ "type": "object", "properties": {}, "additionalProperties": false });
        let Value::Object(more) = more else { panic!("no object") };
        object.as_object_mut().expect("an object").extend(more);
        object
    };
    let deep =
        (0..5).fold(json!({ "type": "string" }), |inner, _| json!({ "type": "array", "items": inner }));
    for (schema, at, hosts) in [
        (json!([]), "/", "all hosts"),
        (json!({ "type": "string", "properties": {} }), "/", "all hosts"),
        (json!({ "type": "object", "additionalProperties": true }), "/", "OpenAI"),
        (object(json!({ "anyOf": [{ "type": "object", "properties": {} }] })), "/", "Claude and OpenAI"),
        (object(json!({ "oneOf": [] })), "/", "Claude and OpenAI"),
        (object(json!({ "required": ["y"] })), "/", "Gemini"),
        (json!({ "type": "object", "properties": {} }), "/", "OpenAI in strict mode"),
        (argument(json!({ "type": "array" })), "/x", "VS Code, Codex and Gemini"),
        (argument(json!({ "anyOf": [{ "type": "string" }, { "type": "array" }] })), "/x/anyOf/1", "VS Code"),
        (argument(json!({ "type": "array", "items": {} })), "/x/items", "Gemini"),
        (argument(json!({ "type": ["string", "null"] })), "/x", "Gemini"),
        (argument(json!({ "type": "null" })), "/x", "Gemini"),
        (argument(json!({})), "/x", "Gemini"),
        (argument(json!({ "type": "string", "const": "a" })), "/x", "Gemini"),
        (argument(json!({ "type": "string", "default": "a" })), "/x", "Gemini"),
        (argument(json!({ "type": "string", "enum": [""] })), "/x", "Gemini"),
        (argument(json!({ "type": "integer", "enum": [1] })), "/x", "Gemini"),
        (argument(json!({ "type": "string", "format": "uri" })), "/x", "Gemini"),
        (argument(json!({ "type": "number", "exclusiveMinimum": 0 })), "/x", "Gemini"),
        (argument(json!({ "$ref": "#/$defs/a" })), "/x", "Claude"),
        (argument(json!({ "type": "object" })), "/x", "OpenAI"),
        (argument(json!({ "type": "object", "properties": {} })), "/x", "OpenAI in strict mode"),
        (argument(json!({ "anyOf": [{ "type": "string" }], "type": "string" })), "/x", "Gemini"),
        (argument(deep), "/x/items/items/items/items", "OpenAI in strict mode"),
        (
            object(json!({ "properties": { "a.b": { "type": "string", "description": "d" } } })),
            "/a.b",
            "Claude",
        ),
        (object(json!({ "properties": { "a": { "type": "string" } } })), "/a", "all hosts"),
    ] {
        let found = check_input(&schema);
        let is_it = |problem: &super::Unportable| problem.at == at && problem.hosts.starts_with(hosts);
        assert!(found.iter().any(is_it), "{schema}: {found:?}");
    }
    let list = json!({ "type": "object", "properties": { "x": { "type": "array" } }, "required": ["y"] });
    assert_eq!(check_output(&list).len(), 2, "a list without items, and a member that nothing describes");
    for any in [json!({}), json!({ "description": "d" }), json!({ "type": ["string", "number"] })] {
        let found = check_output(&json!({ "type": "object", "properties": { "x": any } }));
        assert_eq!(found.iter().map(|problem| &*problem.at).collect::<Vec<_>>(), ["/x"], "{any}");
    }
}

#[test]
fn a_name_and_a_description_have_their_bounds() {
    for name in ["", "2x", "a.b", "a b", "ä", &"x".repeat(NAME_LEN_MAX + 1)] {
        assert_eq!(check_words(name, "x").len(), 1, "{name}");
    }
    for description in [" ", &"x".repeat(DESCRIPTION_CHARS_MAX + 1)] {
        assert_eq!(check_words("x", description).len(), 1, "{description}");
    }
}
