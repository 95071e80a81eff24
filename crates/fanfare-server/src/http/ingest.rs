//! `POST /ingest/{kind}`: accepts what other programs send in their own formats.

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::problem;
use fanfare_api::push::{IngestAnswer, Nothing};
use fanfare_api::query;
use fanfare_api::values;
use fanfare_core::{Caller, Channel, Door, EventType, NewEvent, Peer, Principal, Priority};
use fanfare_webhook::ingest::{self, Incoming, Kind};
use fanfare_webhook::verify::Headers;

use crate::http::Gateway;
use crate::http::path;
use crate::http::push;
use crate::http::query::Params;
use crate::net::body;
use crate::net::guard;
use crate::problem::Problem;
use fanfare_runtime::clock;

/// Maximum body: most senders stay far below it, and a body is parsed twice.
const INGEST_BODY_LEN_MAX: usize = 1024 * 1024;

/// Accepts what another program sends: a GitHub or Stripe webhook, an alert, an agent hook.
///
/// Responds once the events are durable, without waiting for this gateway's webhooks.
#[utoipa::path(
    post,
    path = "/ingest/{kind}",
    operation_id = "ingest",
    tag = "push",
    params(
        ("kind" = String, Path, description = "`generic`, `github`, `stripe`, `standard-webhooks`, `alertmanager` or `claude-code`"),
        query::Ingest,
    ),
    request_body(content((values::Json = "application/json"), (String = "text/plain")), description = "The sender's own body, with the sender's own signature"),
    responses(
        (status = 200, description = "The events are durable", body = IngestAnswer),
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
    let (parts, body) = request.into_parts();
    guard::refuse_own(&gateway.hub, &parts.headers)?;
    let kind: Kind = path::named(&kind, "{kind}")?;
    let chosen = Chosen::read(Params::of(&parts.uri))?;
    let secrets = &gateway.config.ingest;
    // Checked before the body is read, so that the client need not send it in vain.
    secrets.has(kind)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, body, INGEST_BODY_LEN_MAX).await?;
    let headers: Headers<'_> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let via = guard::via(Door::Ingest, peer, &parts.headers);
    let source = via.source(&principal);
    let incoming = Incoming { headers: &headers, body: &bytes, source: &source };
    let events = ingest::read(kind, incoming, secrets, clock::wall())?;
    let events = events.into_iter().map(|event| chosen.apply(event)).collect();
    let published = gateway.hub.publish(&principal, &via, events).await?;
    let reached =
        gateway.webhooks.expect(Duration::ZERO).reached(&published.appended, std::future::ready(())).await;
    Ok(match kind {
        // The response to a hook is an instruction to the agent, so this one is empty.
        Kind::ClaudeCode => Json(Nothing {}).into_response(),
        Kind::Alertmanager => Json(push::batch(&published, reached)).into_response(),
        Kind::Generic | Kind::GitHub | Kind::StandardWebhooks | Kind::Stripe => {
            Json(push::one(&published, reached)).into_response()
        }
    })
}

/// The overrides that the query sets.
struct Chosen {
    channel: Option<Channel>,
    event_type: Option<EventType>,
    priority: Option<Priority>,
}

impl Chosen {
    fn read(mut params: Params) -> Result<Chosen, Problem> {
        let chosen = Chosen {
            channel: params.read("channel", Channel::of_push)?,
            event_type: params.read("type", EventType::of_push)?,
            priority: params.read("priority", str::parse)?,
        };
        params.finish()?;
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
