//! Originals: the requests with which events came in, as their senders made them.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::limits::{ORIGINAL_HEAD_LEN_MAX, ORIGINAL_HEADERS_MAX, ORIGINAL_LEN_MAX};
use crate::position::Position;

/// What an event knows of the request that it came in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Original {
    /// The request is kept with the event at this seq of the same log: the first of those that it brought.
    With(u64),
    /// The request was longer than [`ORIGINAL_LEN_MAX`], or had more headers than [`ORIGINAL_HEADERS_MAX`]: it is not
    /// kept.
    TooLong,
}

/// A request that is about to become events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The request.
    Message(HttpMessage),
    /// The request is too long to be kept.
    TooLong,
}

impl Received {
    /// Creates what is kept of a request with these headers, and this target: its path and query.
    pub fn new<'a>(
        method: &str,
        target: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        body: &[u8],
    ) -> Received {
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        for (index, (name, value)) in headers.into_iter().enumerate() {
            if index == ORIGINAL_HEADERS_MAX || bytes.len() + name.len() + value.len() > ORIGINAL_HEAD_LEN_MAX
            {
                return Received::TooLong;
            }
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("{CONTENT_LENGTH}: {}\r\n\r\n", body.len()).as_bytes());
        if bytes.len() + body.len() > ORIGINAL_LEN_MAX {
            return Received::TooLong;
        }
        bytes.extend_from_slice(body);
        HttpMessage::from_bytes(bytes).map_or(Received::TooLong, Received::Message)
    }

    /// Returns the bytes that are kept.
    pub fn kept_len(&self) -> usize {
        match self {
            Received::Message(message) => message.as_bytes().len(),
            Received::TooLong => 0,
        }
    }
}

/// The one header that the message has of its own: it frames the body.
const CONTENT_LENGTH: &str = "content-length";

/// A request as a message of HTTP/1.1, the format of `message/http` (RFC 9112, section 10.1).
#[derive(Clone, PartialEq, Eq)]
pub struct HttpMessage(
    /// A request line, headers, an empty line and the body, which takes the rest.
    Arc<[u8]>,
);

/// The parts of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The method.
    pub method: &'a str,
    /// The path and the query.
    pub target: &'a str,
    /// The headers of the sender, in their order: names in lowercase, and values as bytes.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// The body.
    pub body: &'a [u8],
}

impl HttpMessage {
    /// Reads a message; `None` if its head cannot be read.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Option<HttpMessage> {
        let bytes = bytes.into();
        parse(&bytes)?;
        Some(HttpMessage(bytes))
    }

    /// Returns the bytes of the message.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the parts of the message.
    pub fn parts(&self) -> Parts<'_> {
        parse(&self.0).expect("it was read when it was created")
    }
}

impl AsRef<[u8]> for HttpMessage {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for HttpMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpMessage({} bytes)", self.0.len())
    }
}

/// Parses a message.
fn parse(bytes: &[u8]) -> Option<Parts<'_>> {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let (head, body) = (&bytes[..end], &bytes[end + 4..]);
    let (first, mut rest) = line(head);
    let mut words = std::str::from_utf8(first).ok()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    if words.next() != Some("HTTP/1.1") || words.next().is_some() {
        return None;
    }
    let mut headers = Vec::new();
    while !rest.is_empty() {
        let (header, after) = line(rest);
        rest = after;
        let colon = memchr::memchr(b':', header)?;
        let name = std::str::from_utf8(&header[..colon]).ok()?;
        let value = header[colon + 1..].strip_prefix(b" ")?;
        if name != CONTENT_LENGTH {
            headers.push((name, value));
        }
    }
    Some(Parts { method, target, headers, body })
}

/// Splits off the first line.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memmem::find(text, b"\r\n") {
        Some(end) => (&text[..end], &text[end + 2..]),
        None => (text, &[]),
    }
}

/// The original of an event at a position, as the event says it on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnWire(pub(crate) Original, pub(crate) Position);

impl Serialize for OnWire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self.0 {
            Original::With(seq) => map.serialize_entry("event", &Position { seq, ..self.1 })?,
            Original::TooLong => map.serialize_entry("too_long", &true)?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HttpMessage, Received};
    use crate::limits::{ORIGINAL_HEADERS_MAX, ORIGINAL_LEN_MAX};

    fn of(headers: &[(&str, &[u8])], body: &[u8]) -> Received {
        Received::new("POST", "/ingest/github?a=b", headers.iter().copied(), body)
    }

    #[test]
    fn a_request_is_a_message_of_http_that_others_can_read() {
        let Received::Message(message) = of(&[("x-hub-signature-256", b"sha256=00")], b"{}") else {
            panic!("it is short");
        };
        let text = "POST /ingest/github?a=b HTTP/1.1\r\nx-hub-signature-256: sha256=00\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(message.as_bytes(), text.as_bytes());
        assert_eq!(message.parts().headers, [("x-hub-signature-256", &b"sha256=00"[..])]);
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        assert_eq!(of(&[], &vec![b'x'; ORIGINAL_LEN_MAX]), Received::TooLong);
        assert!(matches!(of(&[], &vec![b'x'; ORIGINAL_LEN_MAX - 200]), Received::Message(_)));
        let headers = vec![("x", &b"y"[..]); ORIGINAL_HEADERS_MAX + 1];
        assert_eq!(of(&headers, b""), Received::TooLong);
        assert!(matches!(of(&headers[1..], b""), Received::Message(_)));
    }

    proptest! {
        #[test]
        fn a_message_has_the_parts_that_it_was_made_of(
            headers in prop::collection::vec(("[a-z][a-z-]{0,9}", prop::collection::vec(32_u8..=255, 0..9)), 0..5),
            body: Vec<u8>,
        ) {
            let given: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
            let Received::Message(message) = of(&given, &body) else { panic!("it is short") };
            let parts = message.parts();
            prop_assert_eq!((parts.method, parts.target, parts.body), ("POST", "/ingest/github?a=b", &body[..]));
            prop_assert_eq!(parts.headers, given);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let _ = HttpMessage::from_bytes(bytes);
        }
    }
}
