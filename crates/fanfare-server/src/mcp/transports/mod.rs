//! The transports of MCP: they frame messages and identify callers.

pub mod connection_sse;
pub mod door;
pub mod duplex;
pub mod event_stream;
mod header_list;
pub mod http_sse;
pub mod lines;
mod refusal;
mod response;
pub mod streamable_http;
pub mod websocket;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use fanfare_core::{Peer, Principal};

use crate::mcp::transports::door::Door;
use crate::mcp::transports::refusal::Refusal;

/// The routes of the transports over HTTP.
pub fn routes(door: Door) -> Router {
    let mcp = get(get_mcp).post(streamable_http::post).delete(streamable_http::delete);
    Router::new()
        .route("/mcp", mcp)
        .route("/mcp/sse", get(connection_sse::get))
        .route("/mcp/sse/message", post(connection_sse::post))
        .route("/messages", post(http_sse::post_message))
        .route("/sse", get(http_sse::get).post(http_sse::post))
        .with_state(door)
}

/// Opens a WebSocket if the client asks for one; every other `GET /mcp` is Streamable HTTP.
async fn get_mcp(
    door: State<Door>,
    principal: Extension<Principal>,
    peer: Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    if websocket::is_asked(request.headers(), request.extensions()) {
        websocket::get(door, principal, peer, request).await
    } else {
        streamable_http::get(door, principal, peer, request).await
    }
}
