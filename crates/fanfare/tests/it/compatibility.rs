//! `docs/openapi.json` is the interface that clients were written for. What the gateway serves is held against it: a
//! change that breaks one of them must be in CHANGELOG.md, under "Breaking" of what is not released yet.

mod differences;
mod schemas;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::compatibility::differences::breaking;
use crate::support::document::DOCUMENT;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// Returns the words in backticks of the breaking changes that are not released yet.
fn named(changelog: &str) -> BTreeSet<String> {
    let unreleased = changelog.split("\n## ").nth(1).expect("a first section");
    assert!(
        unreleased.starts_with("Unreleased"),
        "the first section of CHANGELOG.md is what is not released"
    );
    let breaking = unreleased.split("\n### ").find(|section| section.starts_with("Breaking"));
    let quoted = breaking.unwrap_or_default().split('`').skip(1).step_by(2);
    let words = quoted.flat_map(|words| {
        let parts = words.split(|c: char| !(c.is_ascii_alphanumeric() || "_-./{}".contains(c)));
        parts.map(str::to_owned).chain([words.to_owned()])
    });
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn what_is_served_breaks_no_client_that_the_changelog_does_not_warn() {
    let kept_at = file("docs/openapi.json");
    let kept = std::fs::read_to_string(&kept_at).unwrap_or_default();
    let served = fanfare_server::http::document();
    let served = std::str::from_utf8(served.as_bytes()).expect("text").trim_end();
    if let Ok(kept) = serde_json::from_str(&kept) {
        let warned = named(&std::fs::read_to_string(file("CHANGELOG.md")).expect("a text"));
        let mut untold = breaking(&kept, &DOCUMENT);
        untold.retain(|difference| !warned.contains(&difference.name));
        let untold: Vec<String> = untold
            .into_iter()
            .map(|difference| format!("{} (`{}`)", difference.what, difference.name))
            .collect();
        assert!(
            untold.is_empty(),
            "these changes break clients; undo them, or name each in CHANGELOG.md under \"Breaking\": {untold:#?}"
        );
    }
    if std::env::var_os("FANFARE_BLESS").is_some() {
        std::fs::write(&kept_at, format!("{served}\n")).expect("written");
        return;
    }
    assert!(
        kept.trim_end() == served,
        "docs/openapi.json is not up to date: run `FANFARE_BLESS=1 cargo test -p fanfare --test it -- compatibility`"
    );
}

/// Returns the document after a change at one place.
fn changed(pointer: &str, change: impl Fn(&mut Value)) -> Value {
    let mut document = DOCUMENT.clone();
    change(document.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no {pointer}")));
    document
}

fn without(pointer: &str, name: &str) -> Value {
    changed(pointer, |value| {
        value
            .as_object_mut()
            .expect("an object")
            .remove(name)
            .unwrap_or_else(|| panic!("{pointer} has no {name}"));
    })
}

fn with(pointer: &str, name: &str, member: &Value) -> Value {
    changed(pointer, |value| value[name] = member.clone())
}

fn names(kept: &Value, served: &Value) -> Vec<String> {
    breaking(kept, served).into_iter().map(|difference| difference.name).collect()
}

const PUSH: &str = "/paths/~1api~1push/post";
const NEW_EVENT: &str = "/components/schemas/NewEvent";
const HEALTH: &str = "/components/schemas/Health";
const PATCH: &str = "/paths/~1api~1webhooks~1{id}/patch";

#[test]
fn a_change_that_breaks_a_client_is_found() {
    let name_of = |served: Value| names(&DOCUMENT, &served).join(" ");
    let required = |pointer: &str, name: &str| {
        changed(pointer, |list| list.as_array_mut().expect("a list").push(json!(name)))
    };
    let parameters = format!("{PUSH}/parameters");
    let parameter = json!({ "name": "by", "in": "query", "required": true, "schema": { "type": "string" } });
    // What is removed.
    assert_eq!(name_of(without("/paths", "/api/push")), "/api/push");
    assert_eq!(name_of(without("/paths/~1api~1webhooks~1{id}", "patch")), "/api/webhooks/{id}");
    assert_eq!(name_of(changed(&parameters, |list| *list = json!([]))), "wait");
    assert_eq!(name_of(without(&format!("{NEW_EVENT}/properties"), "priority")), "priority");
    assert_eq!(name_of(without(&format!("{HEALTH}/properties"), "version")), "version");
    assert_eq!(name_of(without(&format!("{PUSH}/responses"), "200")), "200");
    assert_eq!(
        name_of(without(&format!("{PUSH}/requestBody/content"), "application/x-ndjson")),
        "application/x-ndjson"
    );
    assert_eq!(name_of(without(&format!("{PATCH}/responses/200/headers"), "ETag")), "ETag");
    let words = "/components/schemas/DeliveryState/anyOf/0/enum";
    assert_eq!(
        name_of(changed(words, |list| list.as_array_mut().expect("a list").retain(|word| word != "failed"))),
        "failed"
    );
    // What is narrower, or newly required, in a request.
    assert_eq!(name_of(required(&format!("{NEW_EVENT}/required"), "channel")), "channel");
    assert_eq!(
        name_of(changed(&parameters, |list| list.as_array_mut().expect("a list").push(parameter.clone()))),
        "by"
    );
    assert_eq!(name_of(with(&format!("{NEW_EVENT}/properties/message"), "maxLength", &json!(10))), "message");
    assert_eq!(
        name_of(with(&format!("{NEW_EVENT}/properties/message"), "type", &json!("integer"))),
        "message"
    );
    // What an answer no longer promises.
    assert_eq!(name_of(with(HEALTH, "required", &json!(["status", "version"]))), "uptime_seconds");
    assert_eq!(
        name_of(with(&format!("{HEALTH}/properties/uptime_seconds"), "type", &json!(["integer", "null"]))),
        "uptime_seconds"
    );
}

#[test]
fn a_change_that_adds_breaks_nobody() {
    let text = json!({ "type": "string" });
    let parameter = json!({ "name": "by", "in": "query", "schema": text });
    for served in [
        DOCUMENT.clone(),
        with("/paths", "/api/asks", &json!({ "get": { "responses": {} } })),
        with(&format!("{NEW_EVENT}/properties"), "colour", &text),
        with(&format!("{HEALTH}/properties"), "colour", &text),
        with(HEALTH, "required", &json!(["status", "version", "uptime_seconds", "colour"])),
        with(&format!("{NEW_EVENT}/properties/message"), "description", &json!("the text")),
        changed(&format!("{PUSH}/parameters"), |list| {
            list.as_array_mut().expect("a list").push(parameter.clone());
        }),
        changed("/components/schemas/DeliveryState/anyOf/0/enum", |list| {
            list.as_array_mut().expect("a list").push(json!("expired"));
        }),
    ] {
        assert_eq!(names(&DOCUMENT, &served), Vec::<String>::new());
    }
    // The other way round, each addition is a removal.
    let more = with(&format!("{HEALTH}/properties"), "colour", &text);
    assert_eq!(names(&more, &DOCUMENT), ["colour"]);
}

#[test]
fn only_what_is_not_released_warns() {
    let changelog = "# Changelog\n\n## Unreleased\n\n### Breaking, all of it\n\n- `GET /api/old` is gone; `a.b` too.\n\n\
                     ### Events\n\n- `new` is new.\n\n## 0.1.0\n\n### Breaking\n\n- `before` was removed.\n";
    let named = named(changelog);
    assert!(named.contains("/api/old") && named.contains("a.b"), "{named:?}");
    assert!(!named.contains("new") && !named.contains("before"), "{named:?}");
}
