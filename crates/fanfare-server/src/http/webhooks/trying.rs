//! What somebody waits for: `POST /api/webhooks/{id}/test`, and an event sent again at once.

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fanfare_api::values;
use fanfare_api::webhooks::attempts::{Attempt, AttemptDetail, Trial};
use fanfare_api::webhooks::deliveries::Resend;
use fanfare_api::webhooks::registration;
use fanfare_core::members::Members;
use fanfare_core::{Code, Invalid, Position, Principal};
use fanfare_webhook::patch::Registration;

use crate::http::Gateway;
use crate::http::webhooks::attempts::{in_short, read_detail};
use crate::http::webhooks::id_in_path;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::problem::Problem;
use fanfare_delivery::looking::Tried;

/// Largest body that an event is sent again with: as much as an event and its frame take.
const RESEND_BODY_LEN_MAX: usize = 1024 * 1024;

/// Sends an event that is in no log, and answers with what came of it.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
    ),
    responses(
        (status = 200, description = "The attempt, whether it was delivered or not", body = Attempt),
    ),
)]
pub async fn test(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let attempt = gateway.webhooks.test(&by, &id_in_path(&id)?).await?;
    Ok(Json(in_short(Tried::from(&*attempt))?).into_response())
}

/// Sends a test to an address before it is registered, as it would be sent then; nothing of it is kept.
#[utoipa::path(
    post,
    path = "/api/webhooks/test",
    operation_id = "testAddress",
    tag = "webhooks",
    request_body(content((registration::Registration = "application/json")), description = "The body of a registration: the address, and what else is wanted; with `secret`, the test is signed with that"),
    responses(
        (status = 200, description = "What came back, whether it was delivered or not", body = Trial),
    ),
)]
pub async fn try_out(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let (bytes, _in_flight) = body::read(&gateway.budget, request.into_body(), BODY_LEN_MAX).await?;
    let attempt = gateway.webhooks.try_out(&by, Registration::parse(&bytes)?).await?;
    let Tried { id, is_delivered, detail } = Tried::from(&*attempt);
    // No webhook and no event is meant, and what the receiver says is not for whoever tests.
    let AttemptDetail { message_id, kind, category, status, times, .. } = read_detail(detail)?;
    let trial = Trial { at: id.at, delivered: is_delivered, message_id, kind, category, status, times };
    Ok(Json(trial).into_response())
}

/// Sends an event now, whether it was delivered before or not, and answers with what came of it.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/deliveries/{event_id}/resend",
    operation_id = "resendEvent",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        ("event_id" = values::Position, Path, description = "The event's position"),
    ),
    request_body(content((Resend = "application/json")), description = "Nothing, or another body"),
    responses(
        (status = 200, description = "The attempt, whether it was delivered or not", body = Attempt),
    ),
)]
pub async fn resend(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path((id, event_id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    const FIX: &str = "send nothing, or `{\"body\": {…}}` with the JSON that the receiver is to get";
    let id = id_in_path(&id)?;
    let event_id: Position = event_id.parse().map_err(|error: Invalid| error.at("path"))?;
    let (bytes, _in_flight) = body::read(&gateway.budget, request.into_body(), RESEND_BODY_LEN_MAX).await?;
    let mut members = Members::parse_or_none(&bytes, Code::InvalidWebhook, FIX)?;
    members.any("body")?;
    members.finish()?;
    // Read again as it was written: what is sent is this text, digit by digit.
    let Resend { body } = match bytes.is_empty() {
        true => Resend::default(),
        false => serde_json::from_slice(&bytes)
            .map_err(|_| Problem::new(Code::InvalidJson, "`body` is given twice", FIX))?,
    };
    let event = gateway.webhooks.event(&by, &id, event_id).await?;
    let body = body.map(|body| Bytes::from(String::from(Box::<str>::from(body))));
    let attempt = gateway.webhooks.resend(&by, &id, event, body).await?;
    Ok(Json(in_short(Tried::from(&*attempt))?).into_response())
}
