//! Delivery attempts: `GET /api/attempts`, `GET /api/webhooks/{id}/attempts`, `GET /api/attempts/{id}`.

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::webhooks::attempts::{Attempt, AttemptDetail, AttemptsPage};
use fanfare_api::{query, values};
use fanfare_core::{Code, Position, Principal};
use serde_json::{Map, Value};

use crate::http::Gateway;
use crate::http::page::Size;
use crate::http::path;
use crate::http::query::Params;
use crate::http::webhooks::{deliveries, id_in_path};
use crate::net::locality::Locality;
use crate::problem::Problem;
use fanfare_delivery::attempt_id::AttemptId;
use fanfare_delivery::listing::RowPlace;
use fanfare_delivery::looking::{AttemptQuery, AttemptRecord};

/// The size of a page.
const SIZE: Size = Size { default: 50, max: 100 };

/// Returns an attempt with all its details.
pub(super) fn whole(tried: AttemptRecord) -> Result<Attempt, Problem> {
    let AttemptRecord { id, detail, .. } = tried;
    Ok(Attempt {
        id: id.to_string(),
        webhook_id: id.webhook,
        number: id.number,
        started_at: id.at,
        detail: read_detail(detail)?,
    })
}

/// Returns an attempt without the details that only a single one shows: a response can have 16 KiB.
pub(super) fn in_short(tried: AttemptRecord) -> Result<Attempt, Problem> {
    let attempt = whole(tried)?;
    Ok(Attempt {
        detail: AttemptDetail { request: None, answer: None, answer_is_hidden: false, ..attempt.detail },
        ..attempt
    })
}

/// Parses the stored details of an attempt.
pub(super) fn read_detail(detail: Map<String, Value>) -> Result<AttemptDetail, Problem> {
    serde_json::from_value(Value::Object(detail)).map_err(|error| {
        tracing::error!(%error, "the details of an attempt cannot be read");
        Problem::new(Code::Internal, "the attempt cannot be read", "the cause is in the gateway's server log")
    })
}

/// Lists attempts for all webhooks: the latest made by this process, and failures of the last few days.
#[utoipa::path(
    get,
    path = "/api/attempts",
    operation_id = "listAllAttempts",
    tag = "webhooks",
    params(query::OfWebhook, query::Attempts),
    responses(
        (status = 200, description = "A page", body = AttemptsPage<Attempt>),
    ),
)]
pub async fn list_all(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let mut params = Params::of(request.uri());
    let webhook = params.webhook_id()?;
    let delivered = params.truth("delivered")?;
    let event: Option<Position> = params.read("event_id", str::parse)?;
    let after: Option<RowPlace<AttemptId>> = params.cursor()?;
    let limit = params.limit(SIZE)?;
    params.finish()?;
    let known = deliveries::any(&gateway, &by, webhook.as_ref());
    deliveries::check(&gateway, known.as_ref(), [(event, "?event_id"), (None, "?cursor")]).await?;
    let wanted = AttemptQuery { event, delivered, before: None, limit };
    let (attempts, next) = gateway.webhooks.all_attempts(&by, webhook.as_ref(), after, &wanted).await?;
    let attempts = attempts.into_iter().map(in_short).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(AttemptsPage { attempts, next_cursor: next.map(|next| next.to_string()) }).into_response())
}

/// Lists attempts for one webhook: the latest made by this process, and failures of the last few days.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}/attempts",
    operation_id = "listAttempts",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        query::Attempts,
    ),
    responses(
        (status = 200, description = "A page", body = AttemptsPage<Attempt>),
    ),
)]
pub async fn list(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let mut params = Params::of(request.uri());
    let delivered = params.truth("delivered")?;
    let event: Option<Position> = params.read("event_id", str::parse)?;
    let before: Option<AttemptId> = params.cursor()?;
    let limit = params.limit(SIZE)?;
    params.finish()?;
    if let Some(event) = event {
        gateway.webhooks.check_place(&id, event, "?event_id").await?;
    }
    let wanted =
        AttemptQuery { event, delivered, before: before.filter(|before| before.webhook == id), limit };
    let (attempts, next) = gateway.webhooks.attempts(&by, &id, wanted).await?;
    let attempts = attempts.into_iter().map(in_short).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(AttemptsPage { attempts, next_cursor: next.map(|next| next.to_string()) }).into_response())
}

/// Returns one attempt, with the request and the response.
#[utoipa::path(
    get,
    path = "/api/attempts/{id}",
    operation_id = "showAttempt",
    tag = "webhooks",
    params(
        ("id" = values::AttemptId, Path, description = "The attempt's id"),
    ),
    responses(
        (status = 200, description = "The attempt", body = Attempt),
    ),
)]
pub async fn show(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(locality): Extension<Locality>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: AttemptId = path::named(&id, "{id}")?;
    Ok(Json(whole(gateway.webhooks.tried(&by, locality.mode(), &id).await?)?).into_response())
}
