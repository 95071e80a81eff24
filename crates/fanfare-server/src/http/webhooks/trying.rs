//! Attempts on demand: `POST /api/webhooks/{id}/test`, and the immediate resend of an event.

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fanfare_api::values;
use fanfare_api::webhooks::attempts::{Attempt, AttemptDetail, Trial};
use fanfare_api::webhooks::deliveries::Resend;
use fanfare_api::webhooks::sample::{Sample, TrialRequest};
use fanfare_core::json::without_mark;
use fanfare_core::members::Members;
use fanfare_core::{Caller, Code, Position, Principal};
use fanfare_webhook::patch::Registration;
use fanfare_webhook::sample;

use crate::http::Gateway;
use crate::http::path;
use crate::http::webhooks::attempts::{advice_on, advised, in_short, read_detail};
use crate::http::webhooks::id_in_path;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::net::json::Json;
use crate::net::locality::Locality;
use crate::problem::Problem;
use fanfare_delivery::looking::AttemptRecord;

/// Maximum body of a resend: an event and its frame.
const RESEND_BODY_LEN_MAX: usize = 1024 * 1024;

/// Sends a test event that is not stored in the log, and returns the attempt. The body can choose the event, or what is
/// sent instead.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
    ),
    request_body(content((Sample = "application/json")), description = "Empty, or the event to send"),
    responses(
        (status = 200, description = "The attempt, whether it was delivered or not", body = Attempt),
    ),
)]
pub async fn test(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(locality): Extension<Locality>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let sample = sample::Sample::parse(&bytes)?;
    let attempt = gateway.webhooks.test(&by, locality.mode(), &id, sample).await?;
    Ok(Json(advised(in_short(AttemptRecord::from(&*attempt))?)).into_response())
}

/// Sends a test to a URL that is not registered yet, exactly as a registered webhook would; nothing is stored.
#[utoipa::path(
    post,
    path = "/api/webhooks/test",
    operation_id = "testAddress",
    tag = "webhooks",
    request_body(content((TrialRequest = "application/json")), description = "The body of a registration: the URL and its settings; with `secret`, the test is signed with it. `test` chooses the event"),
    responses(
        (status = 200, description = "The result, whether it was delivered or not", body = Trial),
    ),
)]
pub async fn try_out(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(locality): Extension<Locality>,
    request: Request,
) -> Result<Response, Problem> {
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let (registration, sample) = Registration::parse_trial(&bytes)?;
    let attempt = gateway.webhooks.try_out(&by, locality.mode(), registration, sample).await?;
    let AttemptRecord { id, detail, .. } = AttemptRecord::from(&*attempt);
    // The test belongs to no webhook and no event, and the caller does not get the body of the response.
    let detail = read_detail(detail)?;
    let advice = advice_on(&detail);
    let AttemptDetail { message_id, kind, outcome, problem, status_code, times, .. } = detail;
    let trial = Trial { started_at: id.at, message_id, kind, outcome, problem, status_code, advice, times };
    Ok(Json(trial).into_response())
}

/// Sends an event now, even if it was already delivered, and returns the attempt.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/deliveries/{event_id}/resend",
    operation_id = "resendEvent",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        ("event_id" = values::Position, Path, description = "The event's position"),
    ),
    request_body(content((Resend = "application/json")), description = "Empty, or a replacement body"),
    responses(
        (status = 200, description = "The attempt, whether it was delivered or not", body = Attempt),
    ),
)]
pub async fn resend(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(locality): Extension<Locality>,
    Path((id, event_id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    const FIX: &str = "send an empty body, or `{\"body\": {…}}` with the JSON to send to the receiver";
    let id = id_in_path(&id)?;
    let event_id: Position = path::named(&event_id, "{event_id}")?;
    let (bytes, _in_flight) =
        body::read(&gateway.budget, &caller, request.into_body(), RESEND_BODY_LEN_MAX).await?;
    let mut members = Members::parse_or_none(&bytes, Code::InvalidWebhook, FIX)?;
    members.any("body")?;
    members.finish()?;
    // Parsed again from the source text: exactly this text is sent, digit by digit.
    let Resend { body } = match bytes.is_empty() {
        true => Resend::default(),
        false => serde_json::from_slice(without_mark(&bytes))
            .map_err(|_| Problem::new(Code::InvalidJson, "`body` is set twice", FIX))?,
    };
    let body = body.map(|body| Bytes::from(String::from(Box::<str>::from(body))));
    let attempt = gateway.webhooks.resend(&by, locality.mode(), &id, event_id, body).await?;
    Ok(Json(advised(in_short(AttemptRecord::from(&*attempt))?)).into_response())
}
