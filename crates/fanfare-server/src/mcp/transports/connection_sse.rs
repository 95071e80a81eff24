//! The connection protocol of seed 5: `GET /mcp/sse` returns a stream and its id, and JSON-RPC messages that name the
//! id are answered on the stream.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::json::without_mark;
use fanfare_core::{Caller, Peer, Principal};
use fanfare_mcp::json_rpc::{self, BadMessage, Message};
use fanfare_mcp::{Error, Id, Incoming};
use futures_util::FutureExt;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::mcp::limits::MESSAGE_LEN_MAX;
use crate::mcp::session::{Framing, Session};
use crate::mcp::transports::door::Door;
use crate::mcp::transports::event_stream::framed;
use crate::mcp::transports::refusal::Refusal;
use crate::net::body;
use crate::net::json::Json;
use crate::net::locality::Locality;

/// Opens a connection and reports its id.
pub async fn get(
    State(door): State<Door>,
    Extension(principal): Extension<Principal>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let (client, beats) = (door.client(principal, peer, &parts)?, door.beats(&parts)?);
    let opening = |session: &Session| {
        let connected = json!({ "connection_id": session.id }).to_string();
        framed("connected", None, connected.as_bytes())
    };
    door.open_stream(client, Framing::Connection, beats, opening)
}

/// Accepts a message.
pub async fn post(
    State(door): State<Door>,
    Extension(principal): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(locality): Extension<Locality>,
    request: Request,
) -> Result<Response, Refusal> {
    let (bytes, _in_flight) = body::read(&door.budget, &caller, request.into_body(), MESSAGE_LEN_MAX).await?;
    let named: ConnectionBody = serde_json::from_slice(without_mark(&bytes))
        .map_err(|error| if error.is_data() { unnamed() } else { Error::parse(error) })?;
    let id = named.connection_id.ok_or_else(unnamed)?;
    let session = door.streaming(&id, Framing::Connection, &principal, locality)?;
    let incoming = match json_rpc::parse(&bytes) {
        Err(refused) => {
            say_refused(&door, &session, &refused).await;
            return Err(refused.into());
        }
        Ok(incoming) => incoming,
    };
    let request_id = match &incoming {
        Incoming::One(Message::Request(request)) => Some(request.id.clone()),
        Incoming::One(_) | Incoming::Batch(_) => None,
    };
    door.take(&session, Ok(incoming)).await?;
    let accepted = Acceptance { status: "accepted", connection_id: &session.id, id: request_id.as_ref() };
    Ok((StatusCode::ACCEPTED, Json(accepted)).into_response())
}

#[derive(Deserialize)]
struct ConnectionBody {
    connection_id: Option<String>,
}

#[derive(Serialize)]
struct Acceptance<'a> {
    status: &'static str,
    connection_id: &'a str,
    /// The id as the client wrote it.
    id: Option<&'a Id>,
}

fn unnamed() -> Error {
    Error::invalid_request("send one JSON-RPC message with the `connection_id` from the event `connected`")
}

/// Reports a refused message on the stream too: the client that reads the stream need not be the one that sent the
/// message.
async fn say_refused(door: &Door, session: &Arc<Session>, refused: &BadMessage) {
    let answer = json_rpc::write_error(refused.id.as_ref(), &refused.error);
    let outbox = Arc::clone(&session.outbox);
    let say = async move {
        // A disconnected client needs no answer.
        let _ = outbox.send(framed("error", None, &answer)).await;
    };
    // If the stream has no room for it, the response to the request has to suffice.
    let _ = door.work(session, || Some(say.boxed())).await;
}
