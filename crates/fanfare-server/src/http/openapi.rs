//! `GET /openapi.json`: the interface for machines, put together from the handlers and the types of their answers.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::Value;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder};

use crate::http::push::PushedBatch;

/// The document, written once.
#[derive(Debug, Clone)]
pub struct Document(Bytes);

impl Document {
    /// Writes `openapi`.
    pub fn new(openapi: &OpenApi) -> Document {
        Document(serde_json::to_vec_pretty(openapi).expect("a document of our own always serialises").into())
    }

    /// Gives the document.
    pub fn answer(&self) -> Response {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, JSON)], self.0.clone()).into_response()
    }
}

/// Gives what stands before the routes, and the types that no route names by itself.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Fanfare")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "One log, many cursors: to push is to append, to receive is to read from a position.",
        ))
        .license(Some(License::new("MIT OR Apache-2.0")))
        .build();
    let components = ComponentsBuilder::new().schema_from::<PushedBatch>().build();
    let tag =
        |name: &str, description: &str| TagBuilder::new().name(name).description(Some(description)).build();
    let tags = [
        tag("push", "Append to the log."),
        tag("listen", "Read the log, from now on or from a position."),
        tag("history", "Look up what was pushed."),
        tag("readers", "Durable readers: what each has acknowledged."),
        tag("webhooks", "Requests to programs that listen, and what became of them."),
        tag("overview", "Who and what is there."),
        tag("operation", "For those who run the gateway."),
    ];
    OpenApiBuilder::new().info(info).components(Some(components)).tags(Some(tags)).build()
}

// The types below only describe: `fanfare_core::Event` writes itself, `fanfare_core::push_body` reads. Their comments
// are what users see.

/// Which events: the parameters that `http::query` reads as a filter.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the members are described, not used")]
pub struct FilterParams {
    /// Patterns of channels; default `>`: all of them.
    channel: Option<Vec<String>>,
    /// Types of events; default all.
    r#type: Option<Vec<String>>,
    /// `min`, `low`, `default`, `high` or `max`.
    min_priority: Option<String>,
    /// Text that the message contains, ASCII case ignored.
    text: Option<String>,
}

/// An event, as readers get it.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "the members are described, not used")]
pub struct EventBody {
    /// The position, `epoch-seq`.
    id: String,
    /// Where it was pushed to.
    channel: String,
    /// `info`, `warning`, `error`, `success` or any token.
    r#type: String,
    /// The text.
    message: String,
    /// Any JSON; left out when there is none.
    data: Option<Value>,
    /// `min`, `low`, `default`, `high` or `max`.
    priority: String,
    /// The conflation key; left out when there is none.
    key: Option<String>,
    /// ISO 8601, UTC, microseconds.
    timestamp: String,
    /// Who pushed it, through which door.
    source: SourceBody,
    /// `all`, or `stream` for live outlets only.
    audience: String,
    /// When it stops being delivered; left out when it does not.
    expires: Option<String>,
}

/// Where an event came from.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = Source)]
#[expect(dead_code, reason = "the members are described, not used")]
pub struct SourceBody {
    /// Who pushed it.
    principal: String,
    /// `http`, `websocket`, `mcp`, `cli`, `ingest` or `demo`.
    door: String,
}

/// An event that is pushed.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = NewEvent)]
#[expect(dead_code, reason = "the members are described, not used")]
pub struct PushInput {
    /// The text; at most 256 KiB.
    message: String,
    /// Where to; default `default`.
    channel: Option<String>,
    /// What kind; default `info`.
    r#type: Option<String>,
    /// Any JSON; at most 256 KiB.
    data: Option<Value>,
    /// `min`, `low`, `default`, `high` or `max`.
    priority: Option<String>,
    /// A later event with the same key replaces this one for a reader that lags and conflates.
    key: Option<String>,
    /// A repeated one within 24 h appends nothing.
    idempotency_key: Option<String>,
    /// Seconds, or a duration such as `10m`.
    expires_in: Option<String>,
    /// `all`, or `stream` for live outlets only.
    audience: Option<String>,
}
