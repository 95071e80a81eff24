//! `POST /ingest/{kind}`: accepts what other programs send in their own formats. Some of them look first whether somebody
//! is there, and expect an answer in their own way.

use std::time::Duration;

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::problem;
use fanfare_api::push::{Challenged, IngestAnswer, IngestReady, Nothing, Validated};
use fanfare_api::query;
use fanfare_api::values;
use fanfare_api::words::Success;
use fanfare_core::{
    Caller, Channel, Door, EventType, Invalid, NewEvent, Peer, Principal, Priority, SourceName,
};
use fanfare_webhook::ingest::challenge::{self, Challenge};
use fanfare_webhook::ingest::original::{self, Arrived};
use fanfare_webhook::ingest::source::Source;
use fanfare_webhook::ingest::{self, Answer, Incoming, Read};
use fanfare_webhook::verify::Headers;
use http::{HeaderName, HeaderValue, Uri};

use crate::http::Gateway;
use crate::http::foreign::ForeignNames;
use crate::http::push;
use crate::http::query::Params;
use crate::http::sources::known;
use crate::net::body;
use crate::net::guard;
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_runtime::clock;

/// Accepts what another program sends: a GitHub or Stripe webhook, an alert, an agent hook.
///
/// Responds once the events are durable, without waiting for this gateway's webhooks.
#[utoipa::path(
    post,
    path = "/ingest/{kind}",
    operation_id = "ingest",
    tag = "push",
    params(
        ("kind" = String, Path, description = "The name of a source; `generic`, `github`, `stripe`, `standard-webhooks`, `alertmanager` and `claude-code` exist from the start"),
        query::Ingest,
    ),
    request_body(content((values::Json = "application/json"), (String = "text/plain")), description = "The sender's own body, with the sender's own signature"),
    responses(
        (status = 200, description = "The events are durable, or the sender's question is answered", content((IngestAnswer = "application/json"), (String = "text/plain"))),
        (status = 401, description = "The signature is missing, too old, or does not match", body = problem::Problem, content_type = "application/problem+json"),
        (status = 503, description = "No secret is configured for this kind", body = problem::Problem, content_type = "application/problem+json"),
        (status = 508, description = "Loop detected: a delivery from this gateway's own log", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn receive(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
    Path(kind): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    guard::refuse_own(&gateway.hub, request.headers())?;
    let (name, source) = known::open(&gateway, &kind).await?;
    if let Some(challenge) = challenge::in_query(request.uri().query().unwrap_or_default(), false) {
        return Ok(answered(challenge));
    }
    let answer = accept(&gateway, (&principal, &caller, peer), &name, &source, request).await;
    match &answer {
        Ok(_) => gateway.arrivals.accepted(&name, clock::wall()),
        Err(problem) => gateway.arrivals.refused(&name, peer, problem, clock::wall()),
    }
    answer
}

/// Accepts what was sent to a source, if its sender proves who it is.
async fn accept(
    gateway: &Gateway,
    (principal, caller, peer): (&Principal, &Caller, Peer),
    name: &SourceName,
    source: &Source,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let chosen = Chosen::read(Params::of(&parts.uri), &gateway.foreign)?;
    // Checked before the body is read, so that the client need not send it in vain.
    let verifier = known::verifier(&gateway.config.ingest, name, source)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, caller, body, source.body_len_max()).await?;
    let via = guard::via(Door::Ingest, peer, &parts.headers);
    let (len, format, by) = (bytes.len(), source.format(), via.source(principal));
    let (address, proof) = (name.clone(), source.verify.clone());
    let read = move || {
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let named: Headers<'_> = headers.iter().copied().collect();
        let incoming = Incoming { name: address.as_str(), headers: &named, body: &bytes, source: &by };
        let read = ingest::read(format, incoming, &verifier, clock::wall())?;
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        Ok::<_, Invalid>((
            read,
            original::received(Arrived { path, query, headers: &headers, body: &bytes }, &proof),
        ))
    };
    let (events, answer, received) = match gateway.hub.bulk().run(caller, len, read).await? {
        (Read::Events(events, answer), received) => (events, answer, received),
        (Read::Challenge(challenge), _) => return Ok(answered(challenge)),
    };
    let place = |event: NewEvent| match &source.channel {
        Some(channel) => NewEvent { channel: channel.clone(), ..event },
        None => event,
    };
    let events = events.into_iter().map(|event| chosen.apply(place(event))).collect();
    let published = gateway.hub.publish_received(principal, &via, events, Some(received)).await?;
    let reached =
        gateway.webhooks.expect(Duration::ZERO).reached(&published.appended, std::future::ready(())).await;
    Ok(match answer {
        Answer::Nothing => Json(Nothing {}).into_response(),
        Answer::Batch => Json(push::batch(&published, reached)).into_response(),
        Answer::One => Json(push::one(&published, reached)).into_response(),
    })
}

/// Answers a sender that looks whether somebody is there before it sends anything.
///
/// `hub.challenge`, `validationToken` and `challenge` in the query are sent back as they are.
#[utoipa::path(
    get,
    path = "/ingest/{kind}",
    operation_id = "lookAtIngest",
    tag = "push",
    params(("kind" = String, Path, description = "As for `POST`")),
    responses(
        (status = 200, description = "Events can be sent here", content((IngestReady = "application/json"), (String = "text/plain"))),
    ),
)]
pub async fn look(
    State(gateway): State<Gateway>,
    Path(kind): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let (name, source) = known::open(&gateway, &kind).await?;
    if let Some(challenge) = challenge::in_query(uri.query().unwrap_or_default(), true) {
        return Ok(answered(challenge));
    }
    let message = format!("source `{name}` accepts events of kind `{}` with POST", source.kind);
    Ok(Json(IngestReady { status: Success::Success, message }).into_response())
}

/// Answers a sender of CloudEvents that asks whether it may send here ("HTTP 1.1 Web Hooks for Event Delivery",
/// section 4); `None` for any other request.
pub fn permission(request: &Request) -> Option<Response> {
    const ASKED: HeaderName = HeaderName::from_static("webhook-request-origin");
    const ALLOWED: HeaderName = HeaderName::from_static("webhook-allowed-origin");
    const RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");
    request.uri().path().strip_prefix("/ingest/")?;
    let origin = request.headers().get(ASKED)?.clone();
    Some([(ALLOWED, origin), (RATE, HeaderValue::from_static("*"))].into_response())
}

fn answered(challenge: Challenge) -> Response {
    match challenge {
        Challenge::Text(text) => text.into_response(),
        Challenge::Challenge(challenge) => Json(Challenged { challenge }).into_response(),
        Challenge::Validation(validation_response) => Json(Validated { validation_response }).into_response(),
    }
}

/// The overrides that the query sets.
struct Chosen {
    channel: Option<Channel>,
    event_type: Option<EventType>,
    priority: Option<Priority>,
}

impl Chosen {
    fn read(mut params: Params, foreign: &ForeignNames) -> Result<Chosen, Problem> {
        let chosen = Chosen {
            channel: params.read("channel", Channel::of_push)?,
            event_type: params.read("type", EventType::of_push)?,
            priority: params.read("priority", str::parse)?,
        };
        params.finish_of_sender(foreign)?;
        Ok(chosen)
    }

    fn apply(&self, event: NewEvent) -> NewEvent {
        NewEvent {
            channel: self.channel.clone().unwrap_or(event.channel),
            event_type: self.event_type.clone().unwrap_or(event.event_type),
            priority: self.priority.unwrap_or(event.priority),
            ..event
        }
    }
}
