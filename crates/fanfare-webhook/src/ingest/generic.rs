//! `generic`: any JSON, or text. Nobody signs it, and nothing but its message is guessed.

use serde_json::Value;

use crate::ingest::words::{first, passage};
use crate::ingest::{Incoming, Kind, carried, delivered_once};
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::new_event::NewEvent;

/// Where senders put what is meant to be read, the likelier first.
const MESSAGES: &[&str] =
    &["/message", "/text", "/title", "/summary", "/subject", "/content", "/body", "/description", "/msg"];
/// Most members that are named when none of those is there.
const NAMED_MAX: usize = 8;

pub(super) fn read(incoming: Incoming<'_>) -> Result<NewEvent, Invalid> {
    let mut event = match json(&incoming)? {
        Some(value) => {
            let mut event = NewEvent::new(message(&value), incoming.source.clone())?;
            event.data = Some(carried(incoming.body));
            event
        }
        None => NewEvent::new(plain(incoming.body)?, incoming.source.clone())?,
    };
    let key = incoming.header("idempotency-key");
    event.idempotency_key = key.and_then(|key| delivered_once(Kind::Generic, key));
    Ok(event)
}

/// Reads JSON. Where the sender calls it so, anything else is an error; otherwise an object or an array is JSON,
/// whatever it is called: `curl -d` calls everything a form.
fn json(incoming: &Incoming<'_>) -> Result<Option<Value>, Invalid> {
    let content_type = incoming.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_said = media_type == "application/json" || media_type.ends_with("+json");
    let opens = incoming.body.trim_ascii_start().first();
    if !is_said && !matches!(opens, Some(b'{' | b'[')) {
        return Ok(None);
    }
    match serde_json::from_slice(incoming.body) {
        Ok(value) => Ok(Some(value)),
        Err(_) if !is_said => Ok(None),
        Err(error) => Err(Invalid::new(
            Code::InvalidJson,
            format!("the body is no JSON: {error}"),
            "send any JSON, or text as `text/plain`",
        )),
    }
}

fn plain(body: &[u8]) -> Result<&str, Invalid> {
    let text = std::str::from_utf8(body).map_err(|_| {
        Invalid::new(Code::InvalidMessage, "the body is no UTF-8", "send JSON, or text in UTF-8")
    })?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return Err(Invalid::new(Code::InvalidMessage, "the body is empty", "send JSON, or text"));
    }
    Ok(text)
}

/// Finds what can be read in JSON that may be about anything.
pub(super) fn message(value: &Value) -> String {
    if let Some(text) = first(value, MESSAGES) {
        return passage(text);
    }
    match value {
        Value::Array(items) => format!("received a list of {}", items.len()),
        Value::Object(members) => {
            let names: Vec<String> =
                members.keys().take(NAMED_MAX).map(|name| super::words::line(name)).collect();
            let more = if members.len() > NAMED_MAX { ", …" } else { "" };
            if names.is_empty() {
                "received {}".to_owned()
            } else {
                format!("received {}{more}", names.join(", "))
            }
        }
        Value::String(text) if !text.trim().is_empty() => passage(text),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => format!("received {value}"),
    }
}
