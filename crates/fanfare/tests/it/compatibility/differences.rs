//! The differences between two OpenAPI documents that break a client of the older one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::compatibility::schemas::{Schemas, Side};

/// A difference that breaks a client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    /// Its place and what happened there.
    pub(crate) what: String,
    /// The name of what was removed, narrowed or is now required; the CHANGELOG must have it.
    pub(crate) name: String,
}

/// The parts of a path that are operations.
const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// Returns all differences between `kept` and `served` that break a client of `kept`.
pub(crate) fn breaking(kept: &Value, served: &Value) -> BTreeSet<Difference> {
    let mut schemas = Schemas::new(kept, served);
    for (path, old) in object(&kept["paths"]) {
        for (method, old) in object(old).filter(|(name, _)| METHODS.contains(&name.as_str())) {
            let route = format!("{} {path}", method.to_uppercase());
            match served["paths"].get(path).and_then(|item| item.get(method)) {
                Some(new) => operation(&mut schemas, &route, old, new),
                None => schemas.found(format!("{route} was removed"), path),
            }
        }
    }
    schemas.into_found()
}

fn operation<'a>(schemas: &mut Schemas<'a>, route: &str, old: &'a Value, new: &'a Value) {
    parameters(schemas, route, old, new);
    let (old_body, new_body) = (&old["requestBody"], &new["requestBody"]);
    content(schemas, Side::Request, &format!("{route} request"), old_body, new_body);
    if new_body["required"] == true && old_body["required"] != true {
        schemas.found(format!("{route} requires a body"), "body");
    }
    for (status, old) in object(&old["responses"]) {
        let place = format!("{route} {status}");
        let Some(new) = new["responses"].get(status) else {
            schemas.found(format!("{place} was removed"), status);
            continue;
        };
        let (old, new) = schemas.resolved(old, new);
        content(schemas, Side::Answer, &place, old, new);
        for (name, _) in object(&old["headers"]) {
            if new["headers"].get(name).is_none() {
                schemas.found(format!("{place} has no header `{name}`"), name);
            }
        }
    }
}

fn parameters<'a>(schemas: &mut Schemas<'a>, route: &str, old: &'a Value, new: &'a Value) {
    let (old, new) = (by_name(old), by_name(new));
    for ((place, name), new) in &new {
        let was_required = old.get(&(*place, *name)).is_some_and(|old| old["required"] == true);
        if new["required"] == true && !was_required {
            schemas.found(format!("{route} requires the {place} parameter `{name}`"), name);
        }
    }
    for ((place, name), old) in old {
        let at = format!("{route} {place} parameter `{name}`");
        match new.get(&(place, name)) {
            Some(new) => schemas.compare(Side::Request, &at, name, &old["schema"], &new["schema"]),
            None => schemas.found(format!("{at} was removed"), name),
        }
    }
}

/// Returns the parameters of an operation by where they are and what they are called.
fn by_name(operation: &Value) -> BTreeMap<(&str, &str), &Value> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .map(|parameter| {
            let text = |name: &str| parameter[name].as_str().unwrap_or_default();
            ((text("in"), text("name")), parameter)
        })
        .collect()
}

fn content<'a>(schemas: &mut Schemas<'a>, side: Side, place: &str, old: &'a Value, new: &'a Value) {
    for (media_type, old) in object(&old["content"]) {
        match new["content"].get(media_type) {
            Some(new) => schemas.compare(side, place, media_type, &old["schema"], &new["schema"]),
            None => schemas.found(format!("{place} no longer has `{media_type}`"), media_type),
        }
    }
}

/// Returns the members of an object; none of anything else.
pub(crate) fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
