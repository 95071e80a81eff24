//! The wires of MCP: they frame, and find out who calls.

pub mod connection_sse;
pub mod door;
pub mod duplex;
pub mod event_stream;
pub mod http_sse;
pub mod lines;
mod refusal;
mod response;
pub mod streamable_http;
pub mod websocket;

use axum::Router;
use axum::routing::{get, post};

use crate::mcp::transports::door::Door;

/// The routes of the transports over HTTP.
pub fn routes(door: Door) -> Router {
    let mcp = get(streamable_http::get).post(streamable_http::post).delete(streamable_http::delete);
    Router::new()
        .route("/mcp", mcp)
        .route("/mcp/sse", get(connection_sse::get))
        .route("/mcp/sse/message", post(connection_sse::post))
        .route("/messages", post(http_sse::post_message))
        .route("/messages/", post(http_sse::post_message))
        .route("/sse", get(http_sse::get).post(http_sse::post))
        .with_state(door)
}
