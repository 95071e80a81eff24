//! `generic`: any JSON, or text. It is not signed, and only its message is guessed.

use serde_json::Value;

use crate::ingest::words::{first, passage};
use crate::ingest::{Incoming, Kind, carried, delivered_once};
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::json::check_depth;
use fanfare_core::new_event::NewEvent;

/// The places where senders put the readable text, the likelier first.
const MESSAGES: &[&str] =
    &["/message", "/text", "/title", "/summary", "/subject", "/content", "/body", "/description", "/msg"];
/// Maximum members that are named if none of those is present.
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

/// Parses JSON. If the sender declares JSON, anything else is an error. Otherwise an object or an array is JSON,
/// whatever its content type: `curl -d` declares everything a form.
fn json(incoming: &Incoming<'_>) -> Result<Option<Value>, Invalid> {
    let content_type = incoming.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_said = media_type == "application/json" || media_type.ends_with("+json");
    let opens = incoming.body.trim_ascii_start().first();
    if !is_said && !matches!(opens, Some(b'{' | b'[')) {
        return Ok(None);
    }
    if is_said {
        check_depth(&String::from_utf8_lossy(incoming.body), "the body")?;
    }
    match serde_json::from_slice(incoming.body) {
        Ok(value) => Ok(Some(value)),
        Err(_) if !is_said => Ok(None),
        Err(error) => Err(Invalid::new(
            Code::InvalidJson,
            format!("the body is not valid JSON: {error}"),
            "send any JSON, or text as `text/plain`",
        )),
    }
}

fn plain(body: &[u8]) -> Result<&str, Invalid> {
    let text = std::str::from_utf8(body).map_err(|_| {
        Invalid::new(Code::InvalidMessage, "the body is not valid UTF-8", "send JSON, or text in UTF-8")
    })?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return Err(Invalid::new(Code::InvalidMessage, "the body is empty", "send JSON, or text"));
    }
    Ok(text)
}

/// Finds the readable text in JSON of any kind.
pub(super) fn message(value: &Value) -> String {
    if let Some(text) = first(value, MESSAGES) {
        return passage(text);
    }
    match value {
        Value::Array(items) => format!("received a list of length {}", items.len()),
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
