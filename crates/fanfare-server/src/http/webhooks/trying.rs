//! What somebody waits for: `POST /api/webhooks/{id}/test`, and an event sent again at once.

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fanfare_core::{Code, Invalid, Position, Principal, Timestamp};
use fanfare_webhook::patch::Registration;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::http::Gateway;
use crate::http::webhooks::attempts::Shown;
use crate::http::webhooks::{Unregistration, id_in_path};
use crate::net::body::{self, BODY_LEN_MAX};
use crate::problem::{Problem, ProblemBody};
use fanfare_delivery::looking::Tried;

/// Largest body that an event is sent again with: as much as an event and its frame take.
const RESEND_BODY_LEN_MAX: usize = 1024 * 1024;

/// Of an attempt, what means something where no webhook and no event is. What the receiver says is not for whoever
/// tests.
const TRIAL_MEMBERS: [&str; 5] = ["category", "kind", "message_id", "status", "times"];

/// How an event is to be sent again.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendInput {
    /// Another body, any JSON; for the receiver it is then something else, with an id of its own.
    #[schema(value_type = Option<Object>)]
    body: Option<Box<RawValue>>,
}

/// Sends an event that is in no log, and answers with what came of it.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
    ),
    responses(
        (status = 200, description = "The attempt, whether it was delivered or not", body = Shown),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn test(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let attempt = gateway.webhooks.test(&id_in_path(&id)?, &principal).await?;
    Ok(Json(Shown::in_short(Tried::from(&*attempt))).into_response())
}

/// What came of a test of an address that is not registered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Trial {
    /// When it began.
    #[schema(value_type = String)]
    at: Timestamp,
    /// It was answered with 2xx.
    delivered: bool,
    /// `message_id`, `kind`, `category`, `status`, `times`, as of an attempt.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    detail: Map<String, Value>,
}

/// Sends a test to an address before it is registered, as it would be sent then; nothing of it is kept.
#[utoipa::path(
    post,
    path = "/api/webhooks/test",
    operation_id = "testAddress",
    tag = "webhooks",
    request_body(content((Unregistration = "application/json")), description = "The body of a registration: the address, and what else is wanted; with `secret`, the test is signed with that"),
    responses(
        (status = 200, description = "What came back, whether it was delivered or not", body = Trial),
        (status = "default", description = "Refused; nothing was sent", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn try_out(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let (bytes, _in_flight) = body::read(&gateway.budget, request.into_body(), BODY_LEN_MAX).await?;
    let attempt = gateway.webhooks.try_out(Registration::parse(&bytes)?, &principal).await?;
    let Tried { id, is_delivered, mut detail } = Tried::from(&*attempt);
    detail.retain(|name, _| TRIAL_MEMBERS.contains(&name.as_str()));
    Ok(Json(Trial { at: id.at, delivered: is_delivered, detail }).into_response())
}

/// Sends an event now, whether it was delivered before or not, and answers with what came of it.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/deliveries/{event_id}/resend",
    operation_id = "resendEvent",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
        ("event_id" = String, Path, description = "The event's position"),
    ),
    request_body(content((ResendInput = "application/json")), description = "Nothing, or another body"),
    responses(
        (status = 200, description = "The attempt, whether it was delivered or not", body = Shown),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn resend(
    State(gateway): State<Gateway>,
    Path((id, event_id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let event_id: Position = event_id.parse().map_err(|error: Invalid| error.at("path"))?;
    let (bytes, _in_flight) = body::read(&gateway.budget, request.into_body(), RESEND_BODY_LEN_MAX).await?;
    let input: ResendInput = match bytes.is_empty() {
        true => ResendInput::default(),
        false => serde_json::from_slice(&bytes).map_err(|error| {
            Problem::new(
                Code::InvalidJson,
                format!("the body does not say how to send it: {error}"),
                "send nothing, or `{\"body\": {…}}` with the JSON that the receiver is to get",
            )
        })?,
    };
    let event = gateway.webhooks.event(&id, event_id).await?;
    let body = input.body.map(|body| Bytes::from(body.get().to_owned()));
    let attempt = gateway.webhooks.resend(&id, event, body).await?;
    Ok(Json(Shown::in_short(Tried::from(&*attempt))).into_response())
}
