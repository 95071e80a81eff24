//! Delivery attempts: `GET /api/attempts`, `GET /api/webhooks/{id}/attempts`, `GET /api/attempts/{id}`.

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::webhooks::attempts::{Attempt, AttemptDetail, AttemptsPage};
use fanfare_api::words::Outcome;
use fanfare_api::{query, values};
use fanfare_core::start::Moment;
use fanfare_core::{Code, Invalid, Position, Principal};
use fanfare_webhook::advice::advice;
use serde_json::{Map, Value};

use crate::http::Gateway;
use crate::http::page::Size;
use crate::http::path;
use crate::http::query::Params;
use crate::http::webhooks::{deliveries, id_in_path};
use crate::net::json::Json;
use crate::net::locality::Locality;
use crate::problem::Problem;
use fanfare_delivery::attempt_id::AttemptId;
use fanfare_delivery::listing::RowPlace;
use fanfare_delivery::looking::{AttemptQuery, AttemptRecord};
use fanfare_delivery::values::AttemptFilter;
use fanfare_runtime::clock;

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
        advice: None,
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

/// Adds what to do about an attempt that was not delivered.
pub(super) fn advised(attempt: Attempt) -> Attempt {
    Attempt { advice: advice_on(&attempt.detail), ..attempt }
}

/// Returns what to do about an attempt with these details.
pub(super) fn advice_on(detail: &AttemptDetail) -> Option<Box<str>> {
    advice(detail.outcome.as_str(), detail.status_code).map(Into::into)
}

/// Parses the stored details of an attempt.
pub(super) fn read_detail(detail: Map<String, Value>) -> Result<AttemptDetail, Problem> {
    serde_json::from_value(Value::Object(detail)).map_err(|error| {
        tracing::error!(%error, "the details of an attempt cannot be read");
        Problem::new(Code::Internal, "the attempt cannot be read", "the cause is in the gateway's server log")
    })
}

/// Removes and parses what attempts are filtered by.
fn filter(params: &mut Params) -> Result<AttemptFilter, Problem> {
    let moment = |moment: Moment| match moment {
        Moment::Ago(duration) => clock::now().before(duration),
        Moment::At(at) => at,
    };
    Ok(AttemptFilter {
        delivered: params.truth("delivered")?,
        status: params.read("status_code", |value| {
            let status = value.parse().ok().filter(|status| (100..=599).contains(status));
            status.ok_or_else(|| {
                let fix = "write a status such as `status_code=503`, or `outcome=http_5xx` for all of a kind";
                Invalid::new(Code::InvalidQuery, "`status_code` must be a number from 100 to 599", fix)
            })
        })?,
        outcome: params.read("outcome", |value| match Outcome::of_attempts().contains(&value) {
            true => Ok(value.into()),
            false => Err(Invalid::new(
                Code::InvalidQuery,
                format!("`outcome` must be one of `{}`", Outcome::of_attempts().join("`, `")),
                "write `outcome=timeout`, or leave it out for all",
            )),
        })?,
        since: params.read("since", str::parse)?.map(moment),
        until: params.read("until", str::parse)?.map(moment),
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
    let filter = filter(&mut params)?;
    let event: Option<Position> = params.read("event_id", str::parse)?;
    let after: Option<RowPlace<AttemptId>> = params.cursor()?;
    let limit = params.limit(SIZE)?;
    params.finish(&gateway.foreign)?;
    let known = deliveries::any(&gateway, &by, webhook.as_ref());
    deliveries::check(&gateway, known.as_ref(), [(event, "?event_id"), (None, "?cursor")]).await?;
    let wanted = AttemptQuery { event, filter, before: None, limit };
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
    let filter = filter(&mut params)?;
    let event: Option<Position> = params.read("event_id", str::parse)?;
    let before: Option<AttemptId> = params.cursor()?;
    let limit = params.limit(SIZE)?;
    params.finish(&gateway.foreign)?;
    if let Some(event) = event {
        gateway.webhooks.check_place(&id, event, "?event_id").await?;
    }
    let wanted = AttemptQuery { event, filter, before: before.filter(|before| before.webhook == id), limit };
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
    Ok(Json(advised(whole(gateway.webhooks.tried(&by, locality.mode(), &id).await?)?)).into_response())
}
