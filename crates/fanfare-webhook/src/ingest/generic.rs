//! `generic`: any JSON, form or text. It is not signed. Senders that are known by their headers get sentences of their
//! own; of all others, the message is guessed.

use serde_json::{Value, json};

use crate::ingest::document::Document;
use crate::ingest::words::{first, passage, text};
use crate::ingest::{Answer, Incoming, Read, challenge, cloud_events, delivered_once, forms, senders};
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::limits::MESSAGE_LEN_MAX;
use fanfare_core::new_event::NewEvent;

/// The places where senders put the readable text, the likelier first.
const MESSAGES: &[&str] =
    &["/message", "/text", "/title", "/summary", "/subject", "/content", "/body", "/description", "/msg"];
/// Maximum members that are named if none of those is present.
const NAMED_MAX: usize = 8;

pub(super) fn read(incoming: Incoming<'_>) -> Result<Read, Invalid> {
    if let Some(read) = cloud_events::read(&incoming)? {
        return Ok(read);
    }
    let mut event = match document(&incoming)? {
        Some(document) => {
            if let Some(challenge) = challenge::in_body(&document.value) {
                return Ok(Read::Challenge(challenge));
            }
            match senders::read(&incoming, &document) {
                Some(event) => event?,
                None => {
                    let event = NewEvent::new(message(&document.value), incoming.source.clone())?;
                    NewEvent { data: Some(document.data), ..event }
                }
            }
        }
        None => plain(&incoming)?,
    };
    if event.idempotency_key.is_none() {
        let key = incoming.header("idempotency-key");
        event.idempotency_key = key.and_then(|key| delivered_once(incoming.name, key));
    }
    Ok(Read::Events(vec![event], Answer::One))
}

/// Parses JSON, or a form. If the sender declares JSON, anything else is an error. Otherwise an object or an array is
/// JSON, whatever its content type: `curl -d` declares everything a form.
fn document(incoming: &Incoming<'_>) -> Result<Option<Document>, Invalid> {
    if incoming.body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let media_type = incoming.media_type();
    let is_said = media_type == "application/json" || media_type.ends_with("+json");
    let opens = incoming.body.trim_ascii_start().first();
    if !is_said && !matches!(opens, Some(b'{' | b'[')) {
        return Ok(forms::read(incoming));
    }
    match Document::read(incoming.body) {
        Ok(document) => Ok(Some(document)),
        Err(_) if !is_said => Ok(None),
        Err(error) => Err(Invalid { fix: "send any JSON, or text as `text/plain`".into(), ..error }),
    }
}

/// Returns the event of a text. Of one that is too long for a message, the start is the message.
fn plain(incoming: &Incoming<'_>) -> Result<NewEvent, Invalid> {
    const ELLIPSIS: &str = "…";
    let text = std::str::from_utf8(incoming.body).map_err(|_| {
        Invalid::new(Code::InvalidMessage, "the body is not valid UTF-8", "send JSON, or text in UTF-8")
    })?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.trim().is_empty() {
        return NewEvent::new("received a request without a body", incoming.source.clone());
    }
    if text.len() <= MESSAGE_LEN_MAX {
        return NewEvent::new(text, incoming.source.clone());
    }
    let end = text.floor_char_boundary(MESSAGE_LEN_MAX - ELLIPSIS.len());
    let mut event = NewEvent::new(format!("{}{ELLIPSIS}", &text[..end]), incoming.source.clone())?;
    event.data = Some(Document::of(json!({ "omitted_bytes": text.len() - end })).data);
    Ok(event)
}

/// Finds the readable text in JSON of any kind.
pub(super) fn message(value: &Value) -> String {
    if let Some(text) = first(value, MESSAGES).or_else(|| capitalised(value)) {
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

/// Finds it among members whose names are capitalised, as those of Twilio are: `Body`.
fn capitalised(value: &Value) -> Option<&str> {
    let members = value.as_object()?;
    MESSAGES.iter().find_map(|name| {
        let member = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(&name[1..]));
        member.and_then(|(_, value)| text(value, ""))
    })
}
