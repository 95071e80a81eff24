//! CloudEvents 1.0 in its three modes over HTTP: attributes in headers, an event as JSON, or a list of events. Each becomes
//! the same `data`: the event as JSON.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::ingest::document::Document;
use crate::ingest::words::{first, line, passage, text};
use crate::ingest::{Answer, Incoming, Read, delivered_once, event_type};
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::json::without_mark;
use fanfare_core::limits::BATCH_LEN_MAX;
use fanfare_core::new_event::NewEvent;

/// The prefix of headers that are attributes.
const PREFIX: &str = "ce-";
/// The media types of one event and of several.
const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// Reads a request whose headers say that it has CloudEvents; `None` for any other.
pub(super) fn read(incoming: &Incoming<'_>) -> Result<Option<Read>, Invalid> {
    let media_type = incoming.media_type();
    if media_type == BATCH {
        return batch(incoming).map(Some);
    }
    let event = if media_type == ONE {
        event(incoming, Document::object(incoming.body)?, "")?
    } else if incoming.header("ce-specversion").is_some() {
        event(incoming, Document::object(&binary(incoming, &media_type)?)?, "ce-")?
    } else {
        return Ok(None);
    };
    Ok(Some(Read::Events(vec![event], Answer::One)))
}

fn batch(incoming: &Incoming<'_>) -> Result<Read, Invalid> {
    // This value has the start of each long text and list. It shows how many events there are; each is then read from
    // its own text.
    let Value::Array(list) = Document::read(incoming.body)?.value else {
        return Err(wrong("the batch is not a list".to_owned(), "send a list of CloudEvents"));
    };
    if list.is_empty() {
        return Err(Invalid::new(Code::EmptyBatch, "the batch has no events", "send at least one event"));
    }
    if list.len() > BATCH_LEN_MAX {
        let what = format!("the batch has more than {BATCH_LEN_MAX} events");
        return Err(Invalid::new(Code::TooManyEvents, what, "send fewer at once"));
    }
    drop(list);
    let texts: Vec<&RawValue> = serde_json::from_slice(without_mark(incoming.body)).map_err(|error| {
        wrong(format!("the batch is not valid JSON: {error}"), "send a list of CloudEvents")
    })?;
    let events = texts.into_iter().enumerate().map(|(index, text)| {
        let one = Document::object(text.get().as_bytes()).and_then(|document| event(incoming, document, ""));
        one.map_err(|error| error.under(&format!("/{index}")))
    });
    Ok(Read::Events(events.collect::<Result<_, _>>()?, Answer::Batch))
}

/// Returns the text of the event as JSON, made of the attributes in the headers and the data in the body (binary mode).
fn binary(incoming: &Incoming<'_>, media_type: &str) -> Result<Vec<u8>, Invalid> {
    let mut attributes = Map::new();
    for (name, value) in incoming.headers.iter() {
        let Some(attribute) = name.strip_prefix(PREFIX).filter(|name| !name.is_empty()) else { continue };
        let value = String::from_utf8_lossy(value);
        // The binding has attributes percent-encoded, and in quotes if they need them.
        let value = percent_decode_str(value.trim().trim_matches('"')).decode_utf8_lossy();
        attributes.insert(attribute.to_owned(), Value::String(value.into_owned()));
    }
    if !media_type.is_empty() {
        attributes.insert("datacontenttype".to_owned(), Value::String(media_type.to_owned()));
    }
    let is_json = media_type.is_empty() || media_type.ends_with("/json") || media_type.ends_with("+json");
    let (name, data) = match std::str::from_utf8(without_mark(incoming.body)) {
        Ok("") => return Ok(Value::Object(attributes).to_string().into()),
        Ok(json) if is_json => {
            let data = RawValue::from_string(json.to_owned());
            let what = |error| format!("the body is not valid JSON: {error}");
            ("data", data.map_err(|error| wrong(what(error), "send the JSON that `Content-Type` announces"))?)
        }
        Ok(text) => ("data", raw(&Value::String(text.to_owned()))),
        Err(_) => ("data_base64", raw(&Value::String(STANDARD.encode(incoming.body)))),
    };
    let mut members: BTreeMap<&str, Box<RawValue>> =
        attributes.iter().map(|(name, value)| (name.as_str(), raw(value))).collect();
    members.insert(name, data);
    Ok(serde_json::to_vec(&members).expect("texts and JSON"))
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("a value is JSON")
}

/// Returns one event; `prefix` is that of the places of its attributes.
fn event(incoming: &Incoming<'_>, document: Document, prefix: &str) -> Result<NewEvent, Invalid> {
    let value = &document.value;
    let required = |name: &str| {
        text(value, &format!("/{name}")).ok_or_else(|| {
            let place = if prefix.is_empty() { format!("/{name}") } else { format!("{prefix}{name}:") };
            let what = format!("the CloudEvent has no `{name}`");
            wrong(what, "send `specversion`, `id`, `source` and `type`, as CloudEvents 1.0 requires")
                .at(place)
        })
    };
    let (id, source, kind) = (required("id")?, required("source")?, required("type")?);
    required("specversion")?;
    let mut event = NewEvent::new(message(value, kind), incoming.source.clone())?;
    event.event_type = event_type("", kind);
    // Source and id together are unique.
    event.idempotency_key = delivered_once(incoming.name, &format!("{source} {id}"));
    event.data = Some(document.data);
    Ok(event)
}

/// Returns what the data says, if it is meant to be read; otherwise the type and the subject.
fn message(value: &Value, kind: &str) -> String {
    const MESSAGES: &[&str] = &["/data/message", "/data/text", "/data/title", "/data/summary"];
    if let Some(message) = first(value, MESSAGES) {
        return passage(message);
    }
    match value.get("data") {
        Some(Value::String(said)) if !said.trim().is_empty() => passage(said),
        _ => match text(value, "/subject") {
            Some(subject) => format!("{} {}", line(kind), line(subject)),
            None => line(kind),
        },
    }
}

fn wrong(what: String, fix: &'static str) -> Invalid {
    Invalid::new(Code::InvalidJson, what, fix)
}
