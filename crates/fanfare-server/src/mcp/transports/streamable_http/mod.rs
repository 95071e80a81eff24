//! Streamable HTTP: `POST`, `GET` and `DELETE /mcp`, for clients of every era.

mod alone;
mod in_session;

use std::sync::{Arc, Weak};

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::{Peer, Principal};
use fanfare_mcp::json_rpc::{self, Message};
use fanfare_mcp::{Declaration, Era, Error, Id, Incoming, Request as RpcRequest, Version, headers};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::mcp::client::Client;
use crate::mcp::engine::requests;
use crate::mcp::limits::MESSAGE_LEN_MAX;
use crate::mcp::transports::door::Door;
use crate::mcp::transports::header_list::names;
use crate::mcp::transports::refusal::Refusal;
use crate::net::body;
use crate::net::heartbeat::Beats;
use crate::net::json::Json;
use crate::net::locality::Locality;
use crate::net::streams::StreamPermit;

/// The media types that a client accepts. A client without `Accept` accepts any, as with `*/*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Accepts {
    json: bool,
    events: bool,
}

/// Accepts a message, or a batch of messages.
pub async fn post(
    State(door): State<Door>,
    Extension(principal): Extension<Principal>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let (client, beats) = (door.client(principal, peer, &parts)?, door.beats(&parts)?);
    let accepts = Accepts::of(&parts.headers);
    if !accepts.json && !accepts.events {
        let problem = "answers are `application/json` or `text/event-stream`, and `Accept` allows neither";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, Error::invalid_request(problem)));
    }
    if !is_json(&parts.headers) {
        let error = Error::invalid_request("send JSON, with `Content-Type: application/json`");
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    let (bytes, in_flight) = body::read(&door.budget, &client.caller(), body, MESSAGE_LEN_MAX).await?;
    let exchange = Exchange { door, client, parts, accepts, beats };
    let answer = exchange.take(&bytes).await;
    drop(in_flight);
    answer
}

/// An HTTP request with its message.
struct Exchange {
    door: Door,
    client: Client,
    parts: Parts,
    accepts: Accepts,
    /// The beats at which a silent stream gets a comment.
    beats: Beats,
}

impl Exchange {
    async fn take(self, bytes: &[u8]) -> Result<Response, Refusal> {
        match json_rpc::parse(bytes)? {
            Incoming::Batch(messages) => self.take_batch(messages).await,
            Incoming::One(Message::Notification { method, params }) => {
                if let Some(session) = self.session()?
                    && let Some(job) = self.door.server.notified(&session, &method, &params)
                {
                    self.door.sessions.run(job).await;
                }
                Ok(StatusCode::ACCEPTED.into_response())
            }
            Incoming::One(Message::Request(request)) => {
                let id = request.id.clone();
                self.take_request(request).await.map_err(|refusal| refusal.of(id))
            }
            Incoming::One(Message::Response { id, outcome }) => {
                let session = self.session()?.ok_or_else(|| {
                    Error::invalid_request("nothing was asked outside of a session that this could answer")
                })?;
                session.asks.answer(&id, outcome);
                Ok(StatusCode::ACCEPTED.into_response())
            }
        }
    }

    /// Counts the HTTP request as one that lasts if `request` waits for an event.
    fn count(&self, request: &RpcRequest) -> Result<(), Refusal> {
        match self.parts.extensions.get::<Arc<StreamPermit>>() {
            Some(permit) if self.door.server.waits(request) => Ok(permit.last()?),
            _ => Ok(()),
        }
    }

    fn permit(&self) -> Weak<StreamPermit> {
        self.parts.extensions.get::<Arc<StreamPermit>>().map_or_else(Weak::new, Arc::downgrade)
    }

    /// Decides the era, once (2026-07-28, "Era negotiation").
    async fn take_request(self, request: RpcRequest) -> Result<Response, Refusal> {
        self.count(&request)?;
        match Declaration::read(&request.params)? {
            Declaration::Modern { version, meta } => {
                let version = self.check_modern(&version, &request)?;
                self.answer_alone(request, version, meta).await
            }
            Declaration::Legacy(meta) => {
                let version = self.version()?;
                if let Some(session) = self.session()? {
                    return self.answer_in(session, request, meta).await;
                }
                if requests::begins_session(&request) {
                    return self.begin_session(&request, meta).await;
                }
                self.answer_alone(request, version.unwrap_or(Version::UNSAID), meta).await
            }
        }
    }

    /// Checks that the headers match the body, and that the client accepts the media type of the answer.
    fn check_modern(&self, version: &str, request: &RpcRequest) -> Result<Version, Error> {
        let version =
            self.door.server.check_headers(&self.parts.headers, version, request, self.client.toolset)?;
        if requests::is_subscription(request) && !self.accepts.events {
            let problem = "a subscription is a stream of events; accept `text/event-stream`";
            return Err(Error::invalid_request(problem));
        }
        Ok(version)
    }

    /// Returns the revision that the header names.
    fn named_version(&self) -> Result<Option<Version>, Error> {
        let Some(value) = self.parts.headers.get(headers::VERSION) else { return Ok(None) };
        let name = value.to_str().unwrap_or_default().trim();
        Version::from_name(name).map(Some).ok_or_else(|| Error::unsupported_version(name))
    }

    /// Returns the revision that the header names, for a request that does not name one itself.
    fn version(&self) -> Result<Option<Version>, Error> {
        let version = self.named_version()?;
        match version.map(Version::era) {
            None | Some(Era::Legacy) => Ok(version),
            Some(Era::Modern) => Err(Error::invalid_params(
                "a request of this revision must name the revision and the client's capabilities in `_meta`",
            )),
        }
    }
}

/// Responds with the stream of a session or, if the client does not ask for one, with the state of the server.
pub async fn get(
    State(door): State<Door>,
    Extension(principal): Extension<Principal>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    if !parts.headers.get(header::ACCEPT).is_some_and(|accept| names(accept, "text/event-stream")) {
        return Ok(health(&door));
    }
    let (client, beats) = (door.client(principal, peer, &parts)?, door.beats(&parts)?);
    let accepts = Accepts::of(&parts.headers);
    let exchange = Exchange { door, client, parts, accepts, beats };
    match exchange.session()? {
        Some(session) => exchange.stream(&session),
        None => {
            let error = Error::invalid_request(
                "a stream requires a session; POST `initialize` first, or `subscriptions/listen`",
            );
            let mut response = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error).into_response();
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            Ok(response)
        }
    }
}

/// Ends a session.
pub async fn delete(
    State(door): State<Door>,
    Extension(principal): Extension<Principal>,
    Extension(locality): Extension<Locality>,
    request: Request,
) -> Result<Response, Refusal> {
    let id = request.headers().get(headers::SESSION).and_then(|id| id.to_str().ok());
    let id = id.ok_or_else(|| Error::invalid_request("name the session in `Mcp-Session-Id`"))?;
    door.sessions.end(&*door.sessions.find(id, &principal, locality)?);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn health(door: &Door) -> Response {
    let identity = door.server.service().identity();
    let versions: Vec<_> = Version::ALL.iter().map(|version| version.as_str()).collect();
    Json(json!({
        "status": "ok",
        "name": identity.name,
        "version": identity.version,
        "protocol_versions": versions,
        "sessions": door.sessions.count(),
    }))
    .into_response()
}

impl Accepts {
    fn of(headers: &HeaderMap) -> Accepts {
        if !headers.contains_key(header::ACCEPT) {
            return Accepts { json: true, events: true };
        }
        let allows = |ranges: [&str; 3]| {
            let mut values = headers.get_all(header::ACCEPT).iter();
            values.any(|value| ranges.iter().any(|range| names(value, range)))
        };
        Accepts {
            json: allows(["*/*", "application/*", "application/json"]),
            events: allows(["*/*", "text/*", "text/event-stream"]),
        }
    }
}

/// A body without a type is treated as JSON: if it is not, the parser refuses it.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let name = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    name.eq_ignore_ascii_case("application/json") || name.to_ascii_lowercase().ends_with("+json")
}

fn write_error(id: &Id, error: &Error) -> Vec<u8> {
    json_rpc::write_error(Some(id), error)
}
