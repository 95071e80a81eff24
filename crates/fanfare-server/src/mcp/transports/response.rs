//! Answers over HTTP: one message as JSON, or a stream of events.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::net::event_head;

/// Returns a response with one JSON message.
pub(super) fn json_response(status: StatusCode, message: impl Into<Body>) -> Response {
    let mut response = (status, message.into()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Returns a response with events.
pub(super) fn event_response(body: Body) -> Response {
    let mut response = body.into_response();
    event_head::describe(response.headers_mut(), "text/event-stream");
    response
}
