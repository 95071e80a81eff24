//! The head of a response that is an event stream, at every door.

use http::{HeaderMap, HeaderValue, header};

/// Sets the headers of an event stream. They keep caches from storing it, and proxies from compressing it (`no-transform`,
/// RFC 9111, section 5.2.2.6) or buffering it: such a proxy holds events back until it has enough of them.
pub fn describe(headers: &mut HeaderMap, content_type: &'static str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

/// Returns whether a response is an event stream.
pub fn is_of(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|content_type| content_type.starts_with(b"text/event-stream"))
}
