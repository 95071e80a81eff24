//! JSON-RPC 2.0 as the protocol uses it: messages in, messages out.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, shown};
use crate::params::{Params, Written};

/// Maximum messages of one batch (2025-03-26): each is a call of its own.
pub const BATCH_LEN_MAX: usize = 100;
/// Maximum length of an id: each response repeats it.
pub(crate) const ID_LEN_MAX: usize = 1024;

/// The id of a request: a string or an integer, kept as it was written.
#[derive(Debug, Clone)]
pub struct Id(
    /// A JSON string or integer.
    Box<RawValue>,
);

impl Id {
    /// Creates a numeric id, for a request of ours.
    pub fn number(number: u64) -> Id {
        Id(RawValue::from_string(number.to_string()).expect("digits are JSON"))
    }

    /// Parses a string or an integer that every client can read back. Half a surrogate pair is JSON but not text, and
    /// longer integers are JSON but lose their last digits on the way.
    pub(crate) fn read(raw: &RawValue) -> Option<Id> {
        let text = raw.get();
        let is_fine = match text.as_bytes()[0] {
            _ if text.len() > ID_LEN_MAX => false,
            b'"' => !text.contains('\\') || serde_json::from_str::<String>(text).is_ok(),
            _ => text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok(),
        };
        is_fine.then(|| Id(raw.to_owned()))
    }

    /// Returns the JSON text.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Id) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Eq for Id {}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_json().hash(state);
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        let raw = <Box<RawValue>>::deserialize(deserializer)?;
        Id::read(&raw).ok_or_else(|| {
            serde::de::Error::custom("an id is a string of at most 1,024 bytes or an integer of 64 bits")
        })
    }
}

/// A request: a message that expects a response.
#[derive(Debug, Clone)]
pub struct Request {
    /// The id that the response repeats.
    pub id: Id,
    /// The method to call.
    pub method: Box<str>,
    /// The parameters: an object, or none.
    pub params: Params,
}

/// A message from the other side.
#[derive(Debug, Clone)]
pub enum Message {
    /// A message that expects no response.
    Notification {
        /// The method of the notification.
        method: Box<str>,
        /// The parameters.
        params: Params,
    },
    /// A message that expects a response.
    Request(Request),
    /// A response to a request of ours.
    Response {
        /// The id of the request.
        id: Id,
        /// The result, or the error, as JSON text.
        outcome: Result<Box<RawValue>, Box<RawValue>>,
    },
}

/// The content of one body, line or frame.
#[derive(Debug)]
pub enum Incoming {
    /// Several messages (2025-03-26); each can be valid or not on its own.
    Batch(Vec<Result<Message, BadMessage>>),
    /// One message.
    One(Message),
}

/// A message that cannot be accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct BadMessage {
    /// The message's id, if it can be read.
    pub id: Option<Id>,
    /// The reason.
    pub error: Error,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "also_null")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    params: Option<Written>,
    #[serde(borrow, default, deserialize_with = "also_null")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Keeps a `null` that was written: it is not an id, but it is a result.
fn also_null<'de: 'a, 'a, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Parses `bytes`; members that JSON-RPC does not know are ignored.
pub fn parse(bytes: &[u8]) -> Result<Incoming, BadMessage> {
    let refused = |error| BadMessage { id: None, error };
    let text = std::str::from_utf8(bytes).map_err(|error| refused(Error::parse(error)))?;
    // Editors and shells on Windows put a byte order mark before JSON.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_ascii_start().starts_with('[') {
        return parse_one(text).map(Incoming::One);
    }
    let raw: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| refused(Error::parse(error)))?;
    if raw.is_empty() || raw.len() > BATCH_LEN_MAX {
        let problem = format!("a batch has {} messages; send 1 to {BATCH_LEN_MAX}", raw.len());
        return Err(refused(Error::invalid_request(problem)));
    }
    Ok(Incoming::Batch(raw.into_iter().map(|raw| parse_one(raw.get())).collect()))
}

fn parse_one(text: &str) -> Result<Message, BadMessage> {
    // Serde would accept the members of a frame as an array too, in their order.
    if text.starts_with('[') {
        let error =
            Error::invalid_request("this is an array, not a message; a batch cannot contain another batch");
        return Err(BadMessage { id: None, error });
    }
    let frame: Frame = serde_json::from_str(text).map_err(|error| BadMessage {
        id: None,
        error: if error.is_data() {
            Error::invalid_request(format!("this is not a JSON-RPC message: {error}"))
        } else {
            Error::parse(error)
        },
    })?;
    let id = frame.id.and_then(Id::read);
    let refuse = |problem: &str| {
        let error = Error::invalid_request(problem);
        Err(BadMessage { id: id.clone(), error })
    };
    if frame.jsonrpc.is_none_or(|version| version.get() != "\"2.0\"") {
        return refuse("`jsonrpc` is not `\"2.0\"`");
    }
    if frame.id.is_some() && id.is_none() {
        return refuse("`id` is neither a string of at most 1,024 bytes nor an integer of 64 bits");
    }
    let Some(method) = frame.method else {
        return match (id, frame.result, frame.error) {
            (Some(id), Some(result), None) => Ok(Message::Response { id, outcome: Ok(result.to_owned()) }),
            (Some(id), None, Some(error)) => Ok(Message::Response { id, outcome: Err(error.to_owned()) }),
            (id, _, _) => {
                let error = Error::invalid_request(
                    "the message has neither a `method` nor exactly one of `result` and `error`",
                );
                Err(BadMessage { id, error })
            }
        };
    };
    let Ok(method) = serde_json::from_str::<Box<str>>(method.get()) else {
        return refuse("`method` is not a string");
    };
    let params = match frame.params {
        None => Params::default(),
        Some(Written::Object(params)) => params,
        Some(Written::Other(why)) => {
            let problem = format!("the `params` of `{}` {why}", shown(&method));
            return Err(BadMessage { id, error: Error::invalid_params(problem) });
        }
    };
    Ok(match id {
        None => Message::Notification { method, params },
        Some(id) => Message::Request(Request { id, method, params }),
    })
}

/// Writes an error as the response to `id`, or without an id if there is none.
pub fn write_error(id: Option<&Id>, error: &Error) -> Vec<u8> {
    #[derive(Serialize)]
    struct Answer<'a> {
        jsonrpc: &'static str,
        id: Option<&'a Id>,
        error: &'a Error,
    }
    to_bytes(&Answer { jsonrpc: "2.0", id, error })
}

/// Writes a notification.
pub fn write_notification(method: &str, params: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Notification<'a, P> {
        jsonrpc: &'static str,
        method: &'a str,
        params: &'a P,
    }
    to_bytes(&Notification { jsonrpc: "2.0", method, params })
}

/// Writes a request of ours; legacy only.
pub fn write_request(id: &Id, method: &str, params: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct RequestFrame<'a, P> {
        jsonrpc: &'static str,
        id: &'a Id,
        method: &'a str,
        params: &'a P,
    }
    to_bytes(&RequestFrame { jsonrpc: "2.0", id, method, params })
}

fn to_bytes(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages have text for keys and finite numbers")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Incoming, Message, parse};
    use crate::error::{INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR};

    fn one(text: &str) -> Result<Message, (Option<String>, i64)> {
        match parse(text.as_bytes()) {
            Ok(Incoming::One(message)) => Ok(message),
            Ok(Incoming::Batch(_)) => panic!("a batch"),
            Err(refused) => Err((refused.id.map(|id| id.to_string()), refused.error.code)),
        }
    }

    #[test]
    fn messages_are_told_apart() {
        let request =
            one(r#"{"jsonrpc":"2.0","id":"a\"b","method":"x","params":{"y":1},"connection_id":"z"}"#);
        assert!(
            matches!(request, Ok(Message::Request(request)) if request.id.as_json() == r#""a\"b""# && request.params.to_json() == r#"{"y":1}"#)
        );
        let notification = one(r#"{"jsonrpc":"2.0","method":"x"}"#);
        assert!(matches!(notification, Ok(Message::Notification { .. })));
        let answer = one(r#"{"jsonrpc":"2.0","id":-7,"result":{}}"#);
        assert!(matches!(answer, Ok(Message::Response { outcome: Ok(_), .. })));
        let batch = parse(br#" [{"jsonrpc":"2.0","method":"x"},5, ["2.0",1,"x",{},null,null]]"#);
        let Ok(Incoming::Batch(messages)) = batch else { panic!("no batch: {batch:?}") };
        assert_eq!(messages.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn an_id_is_given_back_as_it_was_written() {
        let longest = format!("\"{}\"", "x".repeat(1022));
        for id in
            ["0", "-0", "-9223372036854775808", "18446744073709551615", r#""\u0061\ud83d\ude00""#, &longest]
        {
            let read = one(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x"}}"#));
            assert!(
                matches!(&read, Ok(Message::Request(request)) if request.id.as_json() == id),
                "{id}: {read:?}"
            );
        }
        assert!(one(&format!(r#"{{"jsonrpc":"2.0","id":"x{},"method":"x"}}"#, &longest[1..])).is_err());
    }

    #[test]
    fn a_refusal_says_for_which_request() {
        for (text, id, code) in [
            ("", None, PARSE_ERROR),
            ("{", None, PARSE_ERROR),
            ("5", None, INVALID_REQUEST),
            ("{}", None, INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, Some("1"), INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1e3,"method":"x"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":true,"method":"x"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":18446744073709551616,"method":"x"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":"\ud800","method":"x"}"#, None, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, Some("1"), INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1}"#, Some("1"), INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"result":1,"error":2}"#, Some("1"), INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#, Some("1"), INVALID_PARAMS),
            ("[]", None, INVALID_REQUEST),
        ] {
            assert_eq!(one(text).err(), Some((id.map(str::to_owned), code)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes);
        }
    }
}
