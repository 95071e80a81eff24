//! `POST /ingest/{kind}`: what other programs send of their own accord, in their own words.

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::problem;
use fanfare_api::push::{IngestAnswer, Nothing};
use fanfare_api::query;
use fanfare_api::values;
use fanfare_core::{Channel, Door, EventType, Invalid, NewEvent, Principal, Priority};
use fanfare_webhook::ingest::{self, Incoming, Kind};
use fanfare_webhook::verify::Headers;

use crate::http::push;
use crate::http::query::Params;
use crate::http::{Gateway, via};
use crate::net::body;
use crate::net::{self, Peer};
use crate::problem::Problem;
use fanfare_delivery::service::Wait;
use fanfare_runtime::clock;

/// Largest body: most senders stay far below it, and a body is parsed twice.
const INGEST_BODY_LEN_MAX: usize = 1024 * 1024;

/// Takes in what another program sends: a webhook of GitHub or Stripe, an alert, a hook of an agent.
///
/// Answered when the events are durable; webhooks of this gateway are not waited for.
#[utoipa::path(
    post,
    path = "/ingest/{kind}",
    operation_id = "ingest",
    tag = "push",
    params(
        ("kind" = String, Path, description = "`generic`, `github`, `stripe`, `standard-webhooks`, `alertmanager` or `claude-code`"),
        query::Ingest,
    ),
    request_body(content((values::Json = "application/json"), (String = "text/plain")), description = "What the sender sends, signed as the sender signs"),
    responses(
        (status = 200, description = "Appended, and durable", body = IngestAnswer),
        (status = 401, description = "The signature is missing, old, or does not fit", body = problem::Problem, content_type = "application/problem+json"),
        (status = 503, description = "The gateway has no secret for this kind", body = problem::Problem, content_type = "application/problem+json"),
        (status = 508, description = "A delivery of this gateway's own log", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn receive(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Principal>,
    Extension(peer): Extension<Peer>,
    Path(kind): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    via::refuse_own(&gateway.hub, &parts.headers)?;
    let kind: Kind = kind.parse().map_err(|error: Invalid| error.at("path"))?;
    let chosen = Chosen::read(Params::of(&parts.uri))?;
    let secrets = &gateway.config.ingest;
    // Before the body is read: nobody has to send it in vain.
    secrets.has(kind)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, body, INGEST_BODY_LEN_MAX).await?;
    let headers: Headers<'_> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let via = net::via(Door::Ingest, peer, &parts.headers);
    let source = via.source(&principal);
    let incoming = Incoming { headers: &headers, body: &bytes, source: &source };
    let events = ingest::read(kind, incoming, secrets, clock::now())?;
    let events = events.into_iter().map(|event| chosen.apply(event)).collect();
    let published = gateway.webhooks.publish(&principal, &via, events, Wait::ForStore).await?;
    Ok(match kind {
        // A hook's answer is an instruction to the agent: this one says nothing.
        Kind::ClaudeCode => Json(Nothing {}).into_response(),
        Kind::Alertmanager => Json(push::batch(&published)).into_response(),
        Kind::Generic | Kind::GitHub | Kind::StandardWebhooks | Kind::Stripe => {
            Json(push::one(&published)).into_response()
        }
    })
}

/// What whoever set up the sender wants otherwise.
struct Chosen {
    channel: Option<Channel>,
    event_type: Option<EventType>,
    priority: Option<Priority>,
}

impl Chosen {
    fn read(mut params: Params) -> Result<Chosen, Problem> {
        let chosen = Chosen {
            channel: params.read("channel", str::parse)?,
            event_type: params.read("type", str::parse)?,
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
