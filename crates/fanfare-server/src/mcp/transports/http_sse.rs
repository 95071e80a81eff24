//! HTTP+SSE (2024-11-05): `GET /sse` returns a stream, `POST /messages/` accepts messages, and answers arrive on the
//! stream. It also serves the flow of seed 4: `POST /sse` calls a tool without JSON-RPC.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::json::without_mark;
use fanfare_core::{Peer, Principal};
use fanfare_mcp::json_rpc::{self, Message};
use fanfare_mcp::{Error, Incoming, Meta, Request as RpcRequest, Version, tools};
use futures_util::FutureExt;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::mcp::call::Call;
use crate::mcp::caller::Caller;
use crate::mcp::engine::messages::refuse;
use crate::mcp::limits::MESSAGE_LEN_MAX;
use crate::mcp::session::table::Job;
use crate::mcp::session::{Framing, Session};
use crate::mcp::transports::door::Door;
use crate::mcp::transports::event_stream::framed;
use crate::mcp::transports::refusal::Refusal;
use crate::net::base_path::BasePath;
use crate::net::body;
use crate::net::json::Json;
use crate::net::locality::Locality;

/// Opens a session: sends the address for its messages, and the list of tools.
pub async fn get(
    State(door): State<Door>,
    Extension(principal): Extension<Principal>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let (client, beats) = (door.client(principal, peer, &parts)?, door.beats(&parts)?);
    let tools = door.server.service().tools(client.toolset).outcome();
    let tools: Tools = serde_json::from_slice(tools.as_json()).map_err(|error| {
        tracing::error!(%error, "the list of tools cannot be read");
        Error::internal("the list of tools cannot be read")
    })?;
    let base = BasePath::of(&parts.extensions);
    let opening = |session: &Session| {
        // Without a host, so that it works behind any proxy.
        let endpoint = format!("{base}/messages/?session_id={}", session.id);
        let mut bytes = framed("endpoint", None, endpoint.as_bytes());
        bytes.extend(framed("tools", None, tools.tools.get().as_bytes()));
        bytes
    };
    door.open_stream(client, Framing::HttpSse, beats, opening)
}

#[derive(Deserialize)]
struct Tools<'a> {
    #[serde(borrow)]
    tools: &'a RawValue,
}

/// Accepts a message.
pub async fn post_message(
    State(door): State<Door>,
    Extension(principal): Extension<Principal>,
    Extension(caller): Extension<fanfare_core::Caller>,
    Extension(locality): Extension<Locality>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let id = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "session_id");
    let (_, id) = id.ok_or_else(|| {
        Error::invalid_request("name the session: send to the URL from the event `endpoint`")
    })?;
    let session = door.streaming(&id, Framing::HttpSse, &principal, locality)?;
    let (bytes, _in_flight) = body::read(&door.budget, &caller, body, MESSAGE_LEN_MAX).await?;
    let incoming = match json_rpc::parse(&bytes) {
        // No one waits on the stream for an answer to a message without an id.
        Err(refused) if refused.id.is_none() => return Err(refused.into()),
        incoming => incoming,
    };
    door.take(&session, incoming).await?;
    Ok((StatusCode::ACCEPTED, "Accepted").into_response())
}

/// Calls a tool, as seed 4 does.
pub async fn post(
    State(door): State<Door>,
    Extension(principal): Extension<Principal>,
    Extension(caller): Extension<fanfare_core::Caller>,
    Extension(locality): Extension<Locality>,
    request: Request,
) -> Result<Response, Refusal> {
    let (bytes, _in_flight) = body::read(&door.budget, &caller, request.into_body(), MESSAGE_LEN_MAX).await?;
    let wanted: ToolCallBody = serde_json::from_slice(without_mark(&bytes))
        .map_err(|error| if error.is_data() { takes(&error) } else { Error::parse(error) })?;
    if wanted.jsonrpc.is_some() {
        return Ok(not_here());
    }
    let (Some(id), Some(tool)) = (wanted.session_id, wanted.tool) else {
        return Err(takes(&"`session_id` or `tool` is missing").into());
    };
    let args = wanted.args.map_or("null", RawValue::get);
    if args != "null" && !args.starts_with('{') {
        return Err(takes(&"`args` is not an object").into());
    }
    let session = door.streaming(&id, Framing::HttpSse, &principal, locality)?;
    let call_id = format!("{:016x}", rand::random::<u64>());
    let request = tools::request(&call_id, &tool, wanted.args)?;
    door.work(&session, || Some(call(&door, &session, call_id.clone(), request))).await?;
    let accepted = json!({ "status": "accepted", "session_id": session.id, "call_id": call_id });
    Ok((StatusCode::ACCEPTED, Json(accepted)).into_response())
}

#[derive(Deserialize)]
struct ToolCallBody<'a> {
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
    session_id: Option<String>,
    tool: Option<String>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

fn takes(problem: &impl std::fmt::Display) -> Error {
    Error::invalid_request(format!(
        "{problem}; `POST /sse` accepts {{\"session_id\": \"…\", \"tool\": \"…\", \"args\": {{…}}}}"
    ))
}

/// Refuses a JSON-RPC message in the way that makes clients that prefer Streamable HTTP fall back to this stream.
fn not_here() -> Response {
    let error = Error::invalid_request(
        "`/sse` is HTTP+SSE: open a stream with GET, and send messages to the URL in its event `endpoint`; for \
         Streamable HTTP, send them to `/mcp`",
    );
    let mut response = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error).into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    response
}

/// Starts a call; its outcome goes to the stream as `result` or `error`, with the call's id.
fn call(door: &Door, session: &Arc<Session>, call_id: String, request: RpcRequest) -> Job {
    let caller = Caller {
        client: session.client.clone(),
        version: session.version().unwrap_or(Version::NEWEST_LEGACY),
        session: Some(Arc::clone(session)),
    };
    let call = Call::new(caller, request.id.clone(), Meta::default(), Arc::clone(&session.outbox));
    let id = request.id.clone();
    let work = door.server.begin_call(session, call, request);
    let work = work.unwrap_or_else(|error| refuse(&id, &error));
    let session = Arc::clone(session);
    async move {
        let Some(answer) = work.await else { return };
        let (event, data) = match json_rpc::parse(&answer) {
            Ok(Incoming::One(Message::Response { outcome: Ok(result), .. })) => ("result", result),
            Ok(Incoming::One(Message::Response { outcome: Err(error), .. })) => ("error", error),
            // The text can contain pushed messages, which are never logged.
            _ => return tracing::error!("an answer cannot be read"),
        };
        let instead = |busy: &Error| {
            framed(
                "error",
                Some(&call_id),
                serde_json::json!({ "code": busy.code, "message": &busy.message }).to_string().as_bytes(),
            )
        };
        // A disconnected client needs no answer.
        let _ = session.outbox.answer(framed(event, Some(&call_id), data.get().as_bytes()), instead);
    }
    .boxed()
}
