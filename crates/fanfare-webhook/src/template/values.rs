//! Lists and objects of an event's data, as templates see them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr};
use serde_json::Value as Json;

/// Converts JSON.
pub(super) fn value_of(json: Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(truth) => truth.into(),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => number.as_f64().unwrap_or_default().into(),
        },
        Json::String(text) => text.into(),
        Json::Array(items) => Value::from_object(Node::List(items.into_iter().map(value_of).collect())),
        Json::Object(members) => {
            let names = members.keys().map(|name| Value::from(name.as_str())).collect();
            let members = members.into_iter().map(|(name, value)| (name, value_of(value))).collect();
            Value::from_object(Node::Members { names, members })
        }
    }
}

/// A list, or an object with its members in order.
#[derive(Debug)]
enum Node {
    List(Vec<Value>),
    Members { names: Vec<Value>, members: BTreeMap<String, Value> },
}

impl Object for Node {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match **self {
            Node::List(_) => ObjectRepr::Seq,
            Node::Members { .. } => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match &**self {
            Node::List(items) => items.get(key.as_usize()?).cloned(),
            Node::Members { members, .. } => members.get(key.as_str()?).cloned(),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &**self {
            Node::List(items) => Enumerator::Seq(items.len()),
            Node::Members { names, .. } => Enumerator::Values(names.clone()),
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(match &**self {
            Node::List(items) => items.len(),
            Node::Members { names, .. } => names.len(),
        })
    }

    /// Compares where two are, not what they contain: that would be a single step of the engine, whatever their size.
    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Node>()?;
        let (own, other): (*const Node, *const Node) = (Arc::as_ptr(self), other);
        Some(own.cmp(&other))
    }
}
