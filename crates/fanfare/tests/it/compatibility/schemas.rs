//! Schemas of two documents, compared where a client writes them or reads them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::compatibility::differences::{Difference, object};

/// Who writes a value: what breaks a client differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// The gateway, which may say more than before.
    Answer,
    /// The client, which must be able to go on writing what it wrote.
    Request,
}

/// The bounds of a value, and whether a larger number allows more.
const BOUNDS: [(&str, bool); 8] = [
    ("maximum", true),
    ("exclusiveMaximum", true),
    ("maxLength", true),
    ("maxItems", true),
    ("minimum", false),
    ("exclusiveMinimum", false),
    ("minLength", false),
    ("minItems", false),
];

/// The schemas of both documents, and the differences found so far.
pub(crate) struct Schemas<'a> {
    kept: &'a Value,
    served: &'a Value,
    /// The pairs of named schemas that were compared: each is described once, and a circle ends.
    compared: BTreeSet<(Side, String, String)>,
    found: BTreeSet<Difference>,
}

impl<'a> Schemas<'a> {
    pub(crate) fn new(kept: &'a Value, served: &'a Value) -> Schemas<'a> {
        Schemas { kept, served, compared: BTreeSet::new(), found: BTreeSet::new() }
    }

    pub(crate) fn found(&mut self, what: String, name: &str) {
        self.found.insert(Difference { what, name: name.to_owned() });
    }

    pub(crate) fn into_found(self) -> BTreeSet<Difference> {
        self.found
    }

    /// Follows the references of both.
    pub(crate) fn resolved(&self, old: &'a Value, new: &'a Value) -> (&'a Value, &'a Value) {
        (target(self.kept, old), target(self.served, new))
    }

    /// Compares what stood at `place` with what stands there now; `name` is what people call it.
    pub(crate) fn compare(&mut self, side: Side, place: &str, name: &str, old: &'a Value, new: &'a Value) {
        let mut place = place.to_owned();
        if let (Some(from), Some(to)) = (reference(old), reference(new)) {
            if !self.compared.insert((side, from.to_owned(), to.to_owned())) {
                return;
            }
            from.rsplit('/').next().unwrap_or_default().clone_into(&mut place);
        }
        let (old, new) = (whole(self.kept, old), whole(self.served, new));
        self.types(side, &place, name, &old, &new);
        self.words(&place, name, &old, &new);
        if side == Side::Request {
            self.bounds(&place, name, &old, &new);
        }
        self.members(side, &place, &old, &new);
        for (part, at) in [("items", "[]"), ("additionalProperties", "{}")] {
            if let (Some(old), Some(new)) = (old.part(part), new.part(part)) {
                self.compare(side, &format!("{place}{at}"), name, old, new);
            }
        }
        for part in ["oneOf", "anyOf"] {
            self.choices(side, &place, name, old.list(part), new.list(part));
        }
    }

    /// A client that writes needs every type that it had; one that reads must not meet another.
    fn types(&mut self, side: Side, place: &str, name: &str, old: &Whole<'a>, new: &Whole<'a>) {
        let (old, new) = (old.types(), new.types());
        let (narrow, wide) = match side {
            Side::Request => (&new, &old),
            Side::Answer => (&old, &new),
        };
        // No type at all is any type.
        let is_any = |types: &BTreeSet<&str>| types.is_empty();
        if !is_any(narrow) && (is_any(wide) || !wide.is_subset(narrow)) {
            self.found(format!("{place} was {old:?} and is {new:?}"), name);
        }
    }

    /// Words may be added on both sides, but never removed.
    fn words(&mut self, place: &str, name: &str, old: &Whole<'a>, new: &Whole<'a>) {
        let (old, new) = (old.list("enum"), new.list("enum"));
        if old.is_empty() && !new.is_empty() {
            self.found(format!("{place} is limited to {} words", new.len()), name);
        }
        for word in old.iter().filter(|word| !new.is_empty() && !new.contains(word)) {
            let text = word.as_str().map_or_else(|| word.to_string(), str::to_owned);
            self.found(format!("{place} has no word `{text}`"), &text);
        }
    }

    fn bounds(&mut self, place: &str, name: &str, old: &Whole<'a>, new: &Whole<'a>) {
        for (bound, grows) in BOUNDS {
            let Some(limit) = new.number(bound) else { continue };
            let is_narrower = match old.number(bound) {
                Some(before) => {
                    if grows {
                        limit < before
                    } else {
                        limit > before
                    }
                }
                None => grows || limit > 0.0,
            };
            if is_narrower {
                self.found(format!("{place} has `{bound}` {limit}"), name);
            }
        }
        if let Some(pattern) = new.part("pattern")
            && old.part("pattern").is_none_or(|before| before != pattern)
        {
            self.found(format!("{place} must match {pattern}"), name);
        }
    }

    fn members(&mut self, side: Side, place: &str, old: &Whole<'a>, new: &Whole<'a>) {
        for (name, before) in &old.members {
            match new.members.iter().find(|(known, _)| known == name) {
                Some((_, now)) => self.compare(side, &format!("{place}/{name}"), name, before, now),
                None => self.found(format!("{place}/{name} was removed"), name),
            }
        }
        let (promised, weakened) = match side {
            Side::Request => (&new.required, &old.required),
            Side::Answer => (&old.required, &new.required),
        };
        for name in promised.difference(weakened) {
            // A removed member is one difference.
            if side == Side::Answer && !new.members.iter().any(|(known, _)| known == name) {
                continue;
            }
            let now = if side == Side::Request { "is required" } else { "is optional" };
            self.found(format!("{place}/{name} {now}"), name);
        }
    }

    /// Compares alternatives: those with a name by their names, the others by their order.
    fn choices(&mut self, side: Side, place: &str, name: &str, old: &'a [Value], new: &'a [Value]) {
        let unnamed = |list: &'a [Value]| list.iter().filter(|choice| reference(choice).is_none());
        for choice in old.iter().filter(|choice| reference(choice).is_some()) {
            match new.iter().find(|other| reference(other) == reference(choice)) {
                Some(other) => self.compare(side, place, name, choice, other),
                None => self.found(format!("{place} is never {}", choice["$ref"]), name),
            }
        }
        let mut rest = unnamed(new);
        for choice in unnamed(old) {
            match rest.next() {
                Some(other) => self.compare(side, place, name, choice, other),
                None => self.found(format!("{place} has one alternative less"), name),
            }
        }
    }
}

/// A schema with the parts of its `allOf` put together.
struct Whole<'a> {
    parts: Vec<&'a Map<String, Value>>,
    members: Vec<(&'a String, &'a Value)>,
    required: BTreeSet<&'a str>,
}

impl<'a> Whole<'a> {
    fn part(&self, name: &str) -> Option<&'a Value> {
        self.parts.iter().find_map(|part| part.get(name))
    }

    fn list(&self, name: &str) -> &'a [Value] {
        match self.part(name) {
            Some(Value::Array(list)) => list,
            _ => &[],
        }
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.part(name).and_then(|value| value.as_f64())
    }

    fn types(&self) -> BTreeSet<&'a str> {
        match self.part("type") {
            Some(Value::String(one)) => [one.as_str()].into(),
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => BTreeSet::new(),
        }
    }
}

fn whole<'a>(document: &'a Value, schema: &'a Value) -> Whole<'a> {
    let mut whole = Whole { parts: Vec::new(), members: Vec::new(), required: BTreeSet::new() };
    let mut open = vec![schema];
    while let Some(schema) = open.pop() {
        let schema = target(document, schema);
        whole.parts.extend(schema.as_object());
        whole.members.extend(object(&schema["properties"]));
        whole.required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
        open.extend(schema["allOf"].as_array().into_iter().flatten());
    }
    whole
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()
}

fn target<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match reference(schema) {
        Some(name) => {
            document.pointer(name.trim_start_matches('#')).expect("a reference that leads somewhere")
        }
        None => schema,
    }
}
