//! `/openapi.json` against the program: it describes the accepted requests. Its description of answers is checked with
//! every answer of every test (`support/document.rs`).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::document::DOCUMENT;
use crate::support::gateway::Gateway;

const WEBHOOK: &str = "/api/webhooks/wh_aaaaaaaaaaaaaaaa";

/// Returns the names between backticks.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the members of a schema, and of the schemas that it is composed of.
fn members(schema: &Value) -> BTreeSet<String> {
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let of_parts = parts.flat_map(|part| match part["$ref"].as_str() {
        Some(name) => members(DOCUMENT.pointer(name.trim_start_matches('#')).expect("a schema")),
        None => members(part),
    });
    let own = schema["properties"].as_object().into_iter().flat_map(|own| own.keys().cloned());
    own.chain(of_parts).collect()
}

#[tokio::test]
async fn the_document_that_is_served_is_the_one_that_is_checked() {
    let gateway = Gateway::start().await;
    assert_eq!(gateway.get("/openapi.json").await.json(), *DOCUMENT);
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&DOCUMENT, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    let lost: Vec<&String> =
        found.iter().filter(|name| DOCUMENT.pointer(name.trim_start_matches('#')).is_none()).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Bodies that are objects: the name of the schema, a route that reads it, and the required members.
fn bodies() -> [(&'static str, &'static str, String, Value); 11] {
    let url = json!({ "webhook_url": "http://127.0.0.1:9/" });
    [
        ("NewEvent", "POST", "/api/push".to_owned(), json!({ "message": "x" })),
        ("Registration", "POST", "/api/register".to_owned(), url.clone()),
        ("Registration", "POST", "/api/webhooks".to_owned(), url.clone()),
        ("TrialRequest", "POST", "/api/webhooks/test".to_owned(), url.clone()),
        ("Sample", "POST", format!("{WEBHOOK}/test"), json!({})),
        ("Unregistration", "POST", "/api/unregister".to_owned(), url),
        ("Change", "PATCH", WEBHOOK.to_owned(), json!({})),
        ("Rotation", "POST", format!("{WEBHOOK}/secret/rotate"), json!({})),
        ("Replay", "POST", format!("{WEBHOOK}/replay"), json!({ "dry_run": true })),
        ("Resend", "POST", format!("{WEBHOOK}/deliveries/k3f9x2ab-1/resend"), json!({})),
        (
            "Acknowledgement",
            "POST",
            "/api/readers/laptop/ack".to_owned(),
            json!({ "position": "k3f9x2ab-1" }),
        ),
    ]
}

#[tokio::test]
async fn bodies_have_the_members_that_are_read() {
    let gateway = Gateway::start().await;
    for (name, method, path, mut body) in bodies() {
        body["colour"] = json!("red");
        let answer = gateway.request(method, &path, |request| request.json(&body)).await;
        let problem = answer.problem(422, "unknown_field");
        assert_eq!(problem["at"], "/colour", "{path}");
        let read = quoted(problem["fix"].as_str().expect("a fix"));
        assert_eq!(read, members(&DOCUMENT["components"]["schemas"][name]), "{name}");
    }
    // And the objects within.
    let within = [
        ("BatchWish", "batch", json!({ "colour": 1 })),
        ("BasicCredentials", "auth", json!({ "kind": "basic", "colour": 1 })),
        ("BearerCredentials", "auth", json!({ "kind": "bearer", "colour": 1 })),
    ];
    for (name, member, value) in within {
        let answer =
            gateway.request("PATCH", WEBHOOK, |request| request.json(&json!({ member: value }))).await;
        let problem = answer.problem(422, "unknown_field");
        let said = members(&DOCUMENT["components"]["schemas"][name]);
        assert_eq!(quoted(problem["fix"].as_str().expect("a fix")), said, "{name}");
    }
}

#[tokio::test]
async fn queries_have_the_parameters_that_are_read() {
    let gateway = Gateway::start().await;
    let mut checked = 0;
    for (template, item) in DOCUMENT["paths"].as_object().expect("paths") {
        let path = template
            .replace("{event_id}", "k3f9x2ab-1")
            .replace("{kind}", "generic")
            .replace("{channel}", "a")
            .replace("{name}", "laptop");
        let id = if template.starts_with("/api/webhooks") { "wh_aaaaaaaaaaaaaaaa" } else { "k3f9x2ab-1" };
        let path = path.replace("{id}", id);
        for (method, operation) in item.as_object().expect("operations") {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let said: BTreeSet<String> = parameters
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
                .collect();
            // A misspelling of one of them is refused with all of them; where there are none, that of another route is.
            let wrong = said.first().map_or_else(|| "bucket".to_owned(), |name| format!("{name}zz"));
            let (method, path) = (method.to_uppercase(), format!("{path}?{wrong}=x"));
            let answer = gateway
                .request(&method, &path, |request| match method.as_str() {
                    "POST" => request.header("content-type", "application/json").body("{}"),
                    _ => request,
                })
                .await;
            let problem = if answer.status >= 400 { answer.json() } else { Value::Null };
            // A route without parameters can ignore those that it gets.
            if problem["code"] != "invalid_query" {
                assert!(said.is_empty(), "{method} {path} reads no query: {}", answer.text());
                continue;
            }
            checked += 1;
            assert_eq!(problem["at"], format!("?{wrong}"), "{method} {path}");
            assert_eq!(quoted(problem["fix"].as_str().expect("a fix")), said, "{method} {path}");
        }
    }
    assert!(checked > 8, "{checked}");
}
