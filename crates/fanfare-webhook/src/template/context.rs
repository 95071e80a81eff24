//! The names that a template can use.

use std::collections::BTreeMap;

use minijinja::Value;
use serde_json::json;

use crate::template::values::value_of;
use crate::url::WebhookUrl;
use fanfare_core::event::Event;

/// The names.
pub(super) const NAMES: [&str; 8] =
    ["channel", "data", "id", "message", "priority", "query", "timestamp", "type"];

/// Returns the values for an event: its members as in the rest of the interface, and `query`, the parameters of the
/// webhook's URL, which have what a service wants in the body, such as PagerDuty's `routing_key`.
pub(super) fn of(event: &Event, url: &WebhookUrl, has_data: bool) -> Value {
    let data = event.data.as_ref().filter(|_| has_data);
    let data =
        data.and_then(|data| serde_json::from_str(data.as_str()).ok()).map_or(Value::UNDEFINED, value_of);
    let query: BTreeMap<String, Value> =
        url.query_pairs().into_iter().map(|(name, value)| (name, value.into())).collect();
    let members = [
        ("channel", event.channel.to_string().into()),
        ("data", data),
        ("id", event.position.to_string().into()),
        ("message", (&*event.message).into()),
        ("priority", event.priority.as_str().into()),
        ("query", Value::from(query)),
        ("timestamp", event.timestamp.to_string().into()),
        ("type", event.event_type.as_str().into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>().into()
}

/// Returns the values of a sample that ends texts and JSON early, if the template lets it.
pub(super) fn sample() -> Value {
    let members = [
        ("channel", "builds.web".into()),
        ("data", value_of(json!({}))),
        ("id", "k3f9x2ab-1042".into()),
        ("message", "a \"quoted\" word,\na second line, \\ & <!channel> 🎉\u{2028}".into()),
        ("priority", "high".into()),
        ("query", value_of(json!({}))),
        ("timestamp", "2026-11-21T08:00:00.123456+00:00".into()),
        ("type", "error".into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>().into()
}
