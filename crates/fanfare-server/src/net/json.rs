//! Answers in JSON.

use axum::response::{IntoResponse, Response};
use fanfare_core::line_ends;
use http::{HeaderValue, header};
use serde::Serialize;

/// An answer in JSON, without the [characters](line_ends) that some clients take for the end of a line.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, JSON)], line_ends::written(&self.0)).into_response()
    }
}
