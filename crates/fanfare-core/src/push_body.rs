//! The body of a push: one event or a batch, as JSON.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::channel::Channel;
use crate::code::Code;
use crate::duration::{self, DURATION_MAX, Literal};
use crate::event::EventType;
use crate::invalid::{Invalid, shown};
use crate::json::Json;
use crate::limits::BATCH_LEN_MAX;
use crate::members::shape;
use crate::new_event::NewEvent;
use crate::principal::Source;

/// The body of a push: the response to one event differs from that to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushBody {
    /// Several events: all or nothing.
    Batch(Vec<NewEvent>),
    /// One event.
    One(Box<NewEvent>),
}

/// The members of an event, as they were given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Members {
    /// The text.
    pub message: Option<String>,
    /// The channel to push to.
    pub channel: Option<String>,
    /// The kind of event.
    #[serde(rename = "type")]
    pub event_type: Option<String>,
    /// Further data.
    pub data: Option<Box<RawValue>>,
    /// The importance of the event.
    pub priority: Option<String>,
    /// The conflation key.
    pub key: Option<String>,
    /// The idempotency key.
    pub idempotency_key: Option<String>,
    /// The duration after which it is no longer delivered, in [`EXPIRES_IN`].
    pub expires_in: Option<Literal>,
    /// The outlets that the event is for.
    pub audience: Option<String>,
}

/// The bounds of `expires_in`: an event that expires at once would be delivered to nobody.
pub const EXPIRES_IN: RangeInclusive<Duration> = Duration::from_millis(1)..=DURATION_MAX;

impl Members {
    /// Checks the members; the error names the wrong one, as a JSON pointer.
    pub fn into_event(self, source: Source) -> Result<NewEvent, Invalid> {
        let message = self.message.ok_or_else(|| {
            Invalid::new(
                Code::InvalidMessage,
                "`message` is missing",
                "give the text as `\"message\": \"…\"`",
            )
            .at("/message")
        })?;
        let mut event = NewEvent::new(message, source).map_err(|error| error.at("/message"))?;
        if let Some(channel) = self.channel {
            event.channel = Channel::of_push(&channel).map_err(|error| error.at("/channel"))?;
        }
        if let Some(event_type) = self.event_type {
            event.event_type = EventType::of_push(&event_type).map_err(|error| error.at("/type"))?;
        }
        if let Some(data) = self.data {
            event.data = Some(Json::new(data).map_err(|error| error.at("/data"))?);
        }
        if let Some(priority) = self.priority {
            event.priority = priority.parse().map_err(|error: Invalid| error.at("/priority"))?;
        }
        if let Some(key) = self.key {
            event.key = Some(key.parse().map_err(|error: Invalid| error.at("/key"))?);
        }
        if let Some(key) = self.idempotency_key {
            event.idempotency_key = Some(key.parse().map_err(|error: Invalid| error.at("/idempotency_key"))?);
        }
        if let Some(expires_in) = self.expires_in {
            event.expires_in = Some(expires_in.within(&EXPIRES_IN).map_err(|error| error.at("/expires_in"))?);
        }
        if let Some(audience) = self.audience {
            event.audience = audience.parse().map_err(|error: Invalid| error.at("/audience"))?;
        }
        Ok(event)
    }
}

/// Parses a JSON body: an object, or an array of 1–10,000 objects.
pub fn parse_json(body: &[u8], source: &Source) -> Result<PushBody, Invalid> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
        return parse_object(body, source).map(|event| PushBody::One(Box::new(event)));
    }
    match serde_json::from_slice::<Vec<Members>>(body) {
        Ok(batch) => checked_batch(batch.into_iter().map(|members| members.into_event(source.clone()))),
        Err(_) => {
            let values: Vec<Value> = serde_json::from_slice(body).map_err(|error| no_json(&error))?;
            for (index, value) in values.iter().enumerate() {
                explain(value).map_err(|error| error.under(&format!("/{index}")))?;
            }
            Err(unexplained())
        }
    }
}

/// Parses newline-delimited JSON: 1–10,000 objects, one per line; empty lines are skipped.
pub fn parse_ndjson(body: &[u8], source: &Source) -> Result<PushBody, Invalid> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    checked_batch(lines.map(|line| parse_object(line, source)))
}

fn checked_batch(events: impl Iterator<Item = Result<NewEvent, Invalid>>) -> Result<PushBody, Invalid> {
    let mut batch = Vec::new();
    for (index, event) in events.enumerate() {
        if index == BATCH_LEN_MAX {
            return Err(Invalid::new(
                Code::TooManyEvents,
                "the batch has more than 10000 events",
                "push at most 10000 events at once",
            ));
        }
        batch.push(event.map_err(|error| error.under(&format!("/{index}")))?);
    }
    if batch.is_empty() {
        return Err(Invalid::new(Code::EmptyBatch, "the batch has no events", "push at least one event"));
    }
    Ok(PushBody::Batch(batch))
}

fn parse_object(object: &[u8], source: &Source) -> Result<NewEvent, Invalid> {
    match serde_json::from_slice::<Members>(object) {
        Ok(members) => members.into_event(source.clone()),
        Err(_) => {
            let value: Value = serde_json::from_slice(object).map_err(|error| no_json(&error))?;
            explain(&value)?;
            Err(unexplained())
        }
    }
}

fn no_json(error: &serde_json::Error) -> Invalid {
    Invalid::new(
        Code::InvalidJson,
        format!("the body is not valid JSON: {error}"),
        "send an object such as `{\"message\": \"deployed\"}`, or an array of them",
    )
}

fn unexplained() -> Invalid {
    Invalid::new(
        Code::InvalidJson,
        "the body is JSON, but not an event",
        "send an object such as `{\"message\": \"deployed\"}` with no repeated members, or an array of them",
    )
}

/// Finds the reason why JSON is not an event. Only bodies that were refused come here, so it may be slow.
fn explain(value: &Value) -> Result<(), Invalid> {
    let Value::Object(members) = value else {
        return Err(Invalid::new(
            Code::InvalidJson,
            format!("an event is an object, not {}", shape(value)),
            "send an object such as `{\"message\": \"deployed\"}`",
        ));
    };
    for (name, value) in members {
        let wanted = match name.as_str() {
            "data" => continue,
            "expires_in" => match value {
                Value::Null | Value::Number(_) | Value::String(_) => continue,
                other => {
                    let what = format!("{} is not a duration", shape(other));
                    return Err(Invalid::new(Code::InvalidDuration, what, duration::FIX).at("/expires_in"));
                }
            },
            "message" => (Code::InvalidMessage, "text"),
            "channel" => (Code::InvalidChannel, "text"),
            "type" => (Code::InvalidType, "text"),
            "priority" => (Code::InvalidPriority, "`min`, `low`, `default`, `high` or `max`"),
            "key" => (Code::InvalidKey, "text"),
            "idempotency_key" => (Code::InvalidIdempotencyKey, "text"),
            "audience" => (Code::InvalidAudience, "`all` or `stream`"),
            _ => {
                return Err(Invalid::new(
                    Code::UnknownField,
                    format!("unknown event member `{}`", shown(name)),
                    "use `message`, `channel`, `type`, `data`, `priority`, `key`, `idempotency_key`, \
                     `expires_in` or `audience`; put anything else in `data`",
                )
                .at(format!("/{}", name.replace('~', "~0").replace('/', "~1"))));
            }
        };
        if !matches!(value, Value::Null | Value::String(_)) {
            return Err(Invalid::new(
                wanted.0,
                format!("`{name}` is {}", shape(value)),
                format!("give {}", wanted.1),
            )
            .at(format!("/{name}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{PushBody, parse_json, parse_ndjson};
    use crate::principal::{Door, Source};

    fn source() -> Source {
        Source { principal: Arc::from("local"), door: Door::Http, agent: None }
    }

    #[test]
    fn an_object_is_an_event_and_an_array_is_a_batch() {
        let one =
            parse_json(br#" {"message":"hi","channel":"a.b","data":{"x":1},"expires_in":90}"#, &source());
        assert!(matches!(one, Ok(PushBody::One(event)) if event.channel.as_str() == "a.b"));
        let batch = parse_json(br#"[{"message":"a"},{"message":"b"}]"#, &source());
        assert!(matches!(batch, Ok(PushBody::Batch(events)) if events.len() == 2));
        let lines = parse_ndjson(b"{\"message\":\"a\"}\r\n\n{\"message\":\"b\"}", &source());
        assert!(matches!(lines, Ok(PushBody::Batch(events)) if events.len() == 2));
    }

    #[test]
    fn a_refusal_names_the_code_and_the_place() {
        for (body, code, at) in [
            (r#"{"mesage":"x"}"#, "unknown_field", "/mesage"),
            (r#"{"message":5}"#, "invalid_message", "/message"),
            (r#"{}"#, "invalid_message", "/message"),
            (r#"{"message":null}"#, "invalid_message", "/message"),
            (r#"{"message":"x","channel":"a..b"}"#, "invalid_channel", "/channel"),
            (r#"[{"message":"x"},{"message":"x","priority":"urgent"}]"#, "invalid_priority", "/1/priority"),
            (r#"[{"message":"x"},{"message":"x","key":7}]"#, "invalid_key", "/1/key"),
            (r#"[{"message":"x"},3]"#, "invalid_json", "/1"),
            (r#"{"message":"x","expires_in":-1}"#, "invalid_duration", "/expires_in"),
            (r#"{"message":"x","expires_in":[1]}"#, "invalid_duration", "/expires_in"),
            (r#"{"message":"x","expires_in":1e300}"#, "invalid_duration", "/expires_in"),
            (r#"{"message":"x","message":"y"}"#, "invalid_json", ""),
            (r#"{"message":"x""#, "invalid_json", ""),
            (r#""x""#, "invalid_json", ""),
            ("[]", "empty_batch", ""),
            ("", "invalid_json", ""),
        ] {
            let error = parse_json(body.as_bytes(), &source()).expect_err(body);
            assert_eq!((error.code.as_str(), error.at.as_str()), (code, at), "{body}");
        }
        let error = parse_ndjson(b"{\"message\":\"a\"}\n{", &source()).expect_err("second line");
        assert_eq!(error.at, "/1");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(body: Vec<u8>) {
            let _ = parse_json(&body, &source());
            let _ = parse_ndjson(&body, &source());
        }

        #[test]
        fn no_json_makes_the_parser_panic(
            body in "\\[?\\{\"(message|channel|key|data|expires_in)\":(\"[a-z.]{0,4}\"|[0-9]{1,3}|null|\\{\\})\\}\\]?"
        ) {
            let _ = parse_json(body.as_bytes(), &source());
        }
    }
}
