//! A body that is JSON: the value to interpret, and the text to pass on.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::ingest::summary::summary;
use crate::ingest::{bounded, mended};
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;
use fanfare_core::json::{Json, check_depth, without_mark};
use fanfare_core::limits::DATA_LEN_MAX;

/// A body that is JSON.
#[derive(Debug)]
pub(super) struct Document {
    /// The value to interpret. Of a large body it has only the start of each text and list.
    pub(super) value: Value,
    /// The text to pass on: all of it, or a summary if it is too long for an event.
    pub(super) data: Json,
}

impl Document {
    /// Reads any JSON.
    pub(super) fn read(body: &[u8]) -> Result<Document, Invalid> {
        let body = without_mark(body);
        check_depth(&String::from_utf8_lossy(body), "the body")?;
        let value = bounded::read(body)
            .or_else(|error| bounded::read(&mended::mended(body)).map_err(|_| error))
            .map_err(|error| not_json(format!("the body is not valid JSON: {error}")))?;
        let data = carried(body, &value);
        Ok(Document { value, data })
    }

    /// Reads JSON that is an object.
    pub(super) fn object(body: &[u8]) -> Result<Document, Invalid> {
        let document = Document::read(body)?;
        if document.value.is_object() {
            return Ok(document);
        }
        Err(not_json("the body is JSON, but not an object".to_owned()))
    }

    /// Creates one from a value.
    pub(super) fn of(value: Value) -> Document {
        let data = carried(value.to_string().as_bytes(), &value);
        Document { value, data }
    }
}

fn not_json(what: String) -> Invalid {
    Invalid::new(Code::InvalidJson, what, "send the JSON that the sender's documentation describes")
}

/// Returns a body, which is JSON, as `data`. One that is too long for an event is replaced by its summary: the event
/// matters more than its details.
fn carried(body: &[u8], value: &Value) -> Json {
    let text = std::str::from_utf8(body).unwrap_or("null").trim_ascii();
    if text.len() <= DATA_LEN_MAX {
        let whole = RawValue::from_string(text.to_owned()).ok().and_then(|raw| Json::new(raw).ok());
        if let Some(whole) = whole {
            return whole;
        }
    }
    summary(value, text.len())
}
