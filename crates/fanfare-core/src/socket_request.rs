//! Requests of a client on a WebSocket.

use serde_json::Value;

use crate::code::Code;
use crate::filter::Filter;
use crate::filter_words::FilterMembers;
use crate::invalid::{Invalid, shown};
use crate::members::Members;
use crate::new_event::{self, PushBody};
use crate::position::Position;
use crate::principal::Source;
use crate::reader::ReaderName;
use crate::start::Start;

/// A request, with the `id` that its response repeats.
#[derive(Debug, Clone, PartialEq)]
pub struct SocketRequest {
    /// The id: any JSON scalar.
    pub id: Option<Value>,
    /// The operation to perform.
    pub op: Op,
}

/// The operation of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Acknowledge everything up to this position for the socket's durable reader.
    Ack(Position),
    /// Request a sign of life.
    Ping,
    /// Append events.
    Publish(PushBody),
    /// Subscribe, replacing any previous subscription.
    Subscribe(Subscribe),
    /// Unsubscribe.
    Unsubscribe,
}

/// The settings of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The filter that the events must pass, if a part of it is given.
    pub filter: Option<Filter>,
    /// The position to start from.
    pub start: Start,
    /// The durable reader to read as.
    pub reader: Option<ReaderName>,
    /// Whether to send only the newest event of each key while the subscriber is behind.
    pub conflate: bool,
    /// Whether to skip the least important events while the subscriber is behind.
    pub shed: bool,
}

/// A request that was refused, with its `id` as far as it could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct BadRequest {
    /// The request's `id`.
    pub id: Option<Value>,
    /// Whether the request is to publish.
    pub is_publish: bool,
    /// The reason.
    pub why: Invalid,
}

/// Parses a text frame. `source` becomes the source of published events.
pub fn parse(text: &str, source: &Source) -> Result<SocketRequest, BadRequest> {
    let refuse = |id: &Option<Value>| {
        let id = id.clone();
        move |why| BadRequest { id, is_publish: false, why }
    };
    const FIX: &str = "send an object such as `{\"op\":\"subscribe\",\"channels\":[\"builds.*\"]}`";
    let mut members =
        Members::named("the frame", text.as_bytes(), Code::InvalidOp, FIX).map_err(refuse(&None))?;
    let id = members.any("id").map_err(refuse(&None))?.flatten();
    if id.as_ref().is_some_and(|id| id.is_object() || id.is_array()) {
        let why = members.wrong("id", "is not a scalar", "give text or a number");
        return Err(BadRequest { id: None, is_publish: false, why });
    }
    let op = members.any("op").map_err(refuse(&id))?.flatten();
    let name = op.as_ref().and_then(Value::as_str);
    let is_publish = name == Some("publish");
    let op = match name {
        Some("ack") => ack(members),
        Some("ping") => members.finish().map(|()| Op::Ping),
        Some("publish") => publish(members, source),
        Some("subscribe") => subscribe(members).map(Op::Subscribe),
        Some("unsubscribe") => members.finish().map(|()| Op::Unsubscribe),
        other => Err(Invalid::new(
            Code::InvalidOp,
            other.map_or("`op` is missing".to_owned(), |op| format!("unknown op `{}`", shown(op))),
            "use `subscribe`, `unsubscribe`, `publish`, `ack` or `ping`",
        )
        .at("/op")),
    };
    match op {
        Ok(op) => Ok(SocketRequest { id, op }),
        Err(why) => Err(BadRequest { id, is_publish, why }),
    }
}

fn ack(mut members: Members<'_>) -> Result<Op, Invalid> {
    let position = members.parsed("position", str::parse)?.flatten();
    let missing = members.wrong("position", "is missing", "give the id of the last event that you processed");
    members.finish()?;
    position.map(Op::Ack).ok_or(missing)
}

fn publish(mut members: Members<'_>, source: &Source) -> Result<Op, Invalid> {
    let read = |body| new_event::parse_json(body, source);
    let (event, events) = (members.inner("event", read)?.flatten(), members.inner("events", read)?.flatten());
    members.finish()?;
    let (name, pushed) = match (event, events) {
        (Some(event), None) => ("event", event),
        (None, Some(events)) => ("events", events),
        _ => {
            return Err(Invalid::new(
                Code::InvalidOp,
                "`publish` needs either `event` or `events`",
                "give `\"event\": {\"message\": \"…\"}`",
            ));
        }
    };
    match (name, pushed) {
        ("event", pushed @ PushBody::One(_)) | ("events", pushed @ PushBody::Batch(_)) => {
            Ok(Op::Publish(pushed))
        }
        _ => Err(Invalid::new(
            Code::InvalidJson,
            format!("`{name}` has the wrong shape"),
            "give one object as `event`, or a list of objects as `events`",
        )
        .at(format!("/{name}"))),
    }
}

fn subscribe(mut members: Members<'_>) -> Result<Subscribe, Invalid> {
    let filter = FilterMembers::take(&mut members)?;
    let (after, since) = (members.text("after")?.flatten(), members.time("since", Start::since)?.flatten());
    let reader = members.parsed("reader", str::parse)?.flatten();
    let conflate = members.truth("conflate")?.flatten().unwrap_or_default();
    let shed = members.parsed("shed", shed)?.flatten().unwrap_or_default();
    let both = members.wrong("since", "cannot be combined with `after`", "give one of them");
    members.finish()?;
    let filter = filter.read()?;
    let start = match (after, since) {
        (Some(_), Some(_)) => return Err(both),
        (Some(after), None) => Start::after(&after),
        (None, Some(since)) => since,
        (None, None) => Start::Live,
    };
    Ok(Subscribe { filter, start, reader, conflate, shed })
}

/// Parses the priority up to which events are skipped for a subscriber that lags: `low`, the only one there is.
pub fn shed(text: &str) -> Result<bool, Invalid> {
    match text {
        "low" => Ok(true),
        _ => Err(Invalid::new(
            Code::InvalidQuery,
            "`shed` must be `low`",
            "write `low` to skip events of `low` and `min` while the stream lags, or leave it out",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{Op, parse};
    use crate::principal::{Door, Source};

    fn source() -> Source {
        Source { principal: Arc::from("local"), door: Door::WebSocket, agent: None }
    }

    #[test]
    fn a_request_is_read_with_its_id_and_its_digits() {
        let request =
            parse(r#"{"op":"publish","id":7,"event":{"message":"hi","data":{"n":1.50}}}"#, &source());
        let request = request.expect("well formed");
        assert_eq!(request.id, Some(7.into()));
        let Op::Publish(pushed) = request.op else { panic!("{:?}", request.op) };
        let events = pushed.into_events();
        assert_eq!(events[0].data.as_ref().map(|data| data.as_str()), Some(r#"{"n":1.50}"#));
        let request =
            parse(r#"{"op":"subscribe","channels":["a.*"],"since":"10m","conflate":true}"#, &source());
        assert!(matches!(request.expect("well formed").op, Op::Subscribe(subscribe) if subscribe.conflate));
    }

    #[test]
    fn a_refusal_names_the_place_and_keeps_the_id() {
        for (text, at) in [
            (r#"{"op":"jump","id":1}"#, "/op"),
            (r#"{"id":1}"#, "/op"),
            (r#"{"op":"ack","id":1,"position":"x"}"#, "/position"),
            (r#"{"op":"subscribe","id":1,"channels":["a","b..c"]}"#, "/channels/1"),
            (r#"{"op":"publish","id":1,"event":{"message":"x","channel":"-.-."}}"#, "/event/channel"),
            (r#"{"op":"publish","id":1,"events":[{"message":"x"},{}]}"#, "/events/1/message"),
            (r#"{"op":"publish","id":1}"#, ""),
            (r#"{"op":"publish","id":1,"x":2}"#, "/x"),
            (r#"{"op":"ping","id":1,"x":2}"#, "/x"),
        ] {
            let refused = parse(text, &source()).expect_err(text);
            assert_eq!((refused.id, refused.why.at.as_str()), (Some(1.into()), at), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = parse(&text, &source());
        }
    }
}
