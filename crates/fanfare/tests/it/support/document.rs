//! The document of the interface, held against every answer that a test gets.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::support::answer::Answer;

/// The document as it is served.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_slice(fanfare_server::http::document().as_bytes()).expect("the document is JSON")
});

/// Its schemas, closed: an answer has no member and no word beyond them. Clients have to accept more, but the gateway
/// must not send it.
static CLOSED: LazyLock<Value> = LazyLock::new(|| {
    let mut components = DOCUMENT["components"].clone();
    let mut parts = BTreeSet::new();
    close_words(&mut components, &mut parts);
    for (name, schema) in components["schemas"].as_object_mut().expect("schemas") {
        let is_object = schema.get("properties").is_some() || schema.get("allOf").is_some();
        if is_object && !parts.contains(&format!("#/components/schemas/{name}")) {
            schema["unevaluatedProperties"] = Value::Bool(false);
        }
    }
    components
});

/// Removes "or any text" from words, and records which schemas are parts of others.
fn close_words(schema: &mut Value, parts: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            let known = match members.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) {
                Some([known, any]) if known.get("enum").is_some() && *any == json!({ "type": "string" }) => {
                    Some(known.clone())
                }
                _ => None,
            };
            if let Some(known) = known {
                *schema = known;
                return;
            }
            let all_of = members.get("allOf").and_then(Value::as_array).into_iter().flatten();
            parts.extend(all_of.filter_map(|part| Some(part.get("$ref")?.as_str()?.to_owned())));
            members.values_mut().for_each(|member| close_words(member, parts));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| close_words(item, parts)),
        _ => {}
    }
}

/// Fails if an answer does not match the document for its route and status. Routes that are not in the document have
/// protocols of their own.
pub(crate) fn check(method: &str, path: &str, answer: &Answer) {
    let Some((template, operation)) = operation(method, path) else { return };
    let said = || format!("{method} {path}: {} {}", answer.status, answer.text());
    let responses = &operation["responses"];
    let status = answer.status.to_string();
    let response = match responses.get(&status) {
        Some(response) => response,
        None => {
            assert!(answer.status >= 400, "the document knows no such success: {}", said());
            &responses["default"]
        }
    };
    let media_type = answer.header("content-type").split(';').next().unwrap_or_default();
    if media_type.is_empty() && answer.body.is_empty() {
        return;
    }
    let response = match response.get("$ref").and_then(Value::as_str) {
        Some(name) => DOCUMENT.pointer(name.trim_start_matches('#')).expect("a response"),
        None => response,
    };
    let content = response["content"].get(media_type);
    let content = content.unwrap_or_else(|| panic!("the document knows no `{media_type}` here: {}", said()));
    if media_type == "application/json" || media_type.ends_with("+json") {
        let validator = validator(&format!("{method} {template} {status} {media_type}"), &content["schema"]);
        let value = answer.json();
        let wrong: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{error} at `{}`", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{}", said());
        assert!(!has_null(&value), "a member without a value is left out: {}", said());
    }
}

/// Returns whether an answer has a `null` of the gateway's own; what pushers and receivers wrote may have them.
fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => {
            members.iter().any(|(name, value)| !matches!(&**name, "data" | "body") && has_null(value))
        }
        _ => false,
    }
}

/// Finds the operation of a path; of several matches, the one with the fewest variables.
fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
    let fits = |template: &str| {
        let (mut names, mut parts) = (template.split('/'), path.split('/'));
        names.by_ref().zip(parts.by_ref()).all(|(name, part)| name == part || name.starts_with('{'))
            && template.split('/').count() == path.split('/').count()
    };
    let paths: &'static Map<String, Value> = DOCUMENT["paths"].as_object().expect("paths");
    let (template, item) = paths
        .iter()
        .filter(|(template, _)| fits(template))
        .min_by_key(|(template, _)| template.matches('{').count())?;
    Some((template, item.get(method.to_lowercase())?))
}

/// Compiles a schema, once for each `name`.
fn validator(name: &str, schema: &Value) -> Arc<Validator> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().expect("an unbroken lock");
    let validator = compiled.entry(name.to_owned()).or_insert_with(|| {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": *CLOSED,
            "allOf": [schema],
        });
        Arc::new(jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{name}: {error}")))
    });
    Arc::clone(validator)
}

#[test]
fn an_answer_that_is_not_as_the_document_says_is_noticed() {
    let answer = |status: u16, body: &Value| Answer {
        status,
        headers: [("content-type".parse().expect("a name"), "application/json".parse().expect("a value"))]
            .into_iter()
            .collect(),
        body: body.to_string().into_bytes(),
    };
    let good = json!({ "status": "ok", "version": "0.1.0", "uptime_seconds": 1 });
    check("GET", "/health", &answer(200, &good));
    let changed = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let bad = [
        changed("status", json!("well")),
        changed("uptime_seconds", json!("1")),
        changed("more", json!(1)),
        json!({ "status": "ok" }),
    ];
    for body in bad {
        let checked = std::panic::catch_unwind(|| check("GET", "/health", &answer(200, &body)));
        assert!(checked.is_err(), "{body}");
    }
    let undocumented = std::panic::catch_unwind(|| check("GET", "/health", &answer(202, &good)));
    assert!(undocumented.is_err());
}
