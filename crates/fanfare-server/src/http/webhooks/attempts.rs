//! What was tried: `GET /api/webhooks/{id}/attempts`, `GET /api/attempts/{id}`.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::WebhookId;
use fanfare_core::{Code, Invalid, Position, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::Gateway;
use crate::http::query::Params;
use crate::http::webhooks::deliveries::seq_in;
use crate::http::webhooks::id_in_path;
use crate::problem::{Problem, ProblemBody};
use fanfare_delivery::attempt_id::AttemptId;
use fanfare_delivery::looking::{Tried, Wanted};

/// Most attempts on a page.
const LIMIT_MAX: usize = 100;
/// Attempts on a page when the caller says nothing.
const LIMIT_DEFAULT: usize = 50;
/// Members that only a single attempt is shown with: an answer may have 16 KiB.
const ONLY_ALONE: [&str; 2] = ["answer", "request"];

/// An attempt.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Attempt)]
pub struct Shown {
    /// Its id.
    #[schema(value_type = String)]
    id: AttemptId,
    /// To which webhook.
    #[schema(value_type = String)]
    webhook: WebhookId,
    /// Which attempt at this delivery it was, from 1.
    number: u32,
    /// When it began.
    #[schema(value_type = String)]
    at: Timestamp,
    /// It was answered with 2xx.
    delivered: bool,
    /// `event_id`, `message_id`, `events`, `kind`, `category`, `status`, `times`; of a single attempt `request` and
    /// `answer`, too.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    detail: Map<String, Value>,
}

/// A page of attempts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AttemptsPage {
    /// The newest first.
    attempts: Vec<Shown>,
    /// What to give as `before` for the next page; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<AttemptId>,
}

impl Shown {
    /// Shows all that is known.
    pub(super) fn whole(tried: Tried) -> Shown {
        let Tried { id, is_delivered, detail } = tried;
        Shown {
            webhook: id.webhook.clone(),
            number: id.number,
            at: id.at,
            delivered: is_delivered,
            detail,
            id,
        }
    }

    /// Shows it without what the receiver said.
    pub(super) fn in_short(tried: Tried) -> Shown {
        let mut shown = Shown::whole(tried);
        shown.detail.retain(|name, _| !ONLY_ALONE.contains(&name.as_str()));
        shown
    }
}

/// Lists the attempts at one webhook: what this process tried last, and what failed in the last days.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}/attempts",
    operation_id = "listAttempts",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
        ("delivered" = Option<bool>, Query, description = "Only those that were answered with 2xx, or only those that were not"),
        ("event_id" = Option<String>, Query, description = "Only at this event"),
        ("before" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<usize>, Query, description = "1 to 100; default 50"),
    ),
    responses(
        (status = 200, description = "A page", body = AttemptsPage),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let mut params = Params::of(request.uri());
    let delivered = params.read("delivered", |value| match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(Invalid::new(
            Code::InvalidQuery,
            "`delivered` is neither true nor false",
            "write `true` or `false`, or leave it out for both",
        )),
    })?;
    let event: Option<Position> = params.read("event_id", str::parse)?;
    let before: Option<AttemptId> = params.read("before", str::parse)?;
    let limit = params.read("limit", limit)?.unwrap_or(LIMIT_DEFAULT);
    params.finish()?;
    let seq = event.map(|event| seq_in(&gateway.hub, event, "query parameter `event_id`")).transpose()?;
    let wanted = Wanted { seq, delivered, before: before.filter(|before| before.webhook == id), limit };
    let (attempts, next) = gateway.webhooks.attempts(&id, wanted).await?;
    let attempts = attempts.into_iter().map(Shown::in_short).collect();
    Ok(Json(AttemptsPage { attempts, next }).into_response())
}

fn limit(value: &str) -> Result<usize, Invalid> {
    value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
        Invalid::new(Code::InvalidQuery, "`limit` is no number from 1 to 100", "write `limit=50`")
    })
}

/// Gives one attempt, with what was sent along and what came back.
#[utoipa::path(
    get,
    path = "/api/attempts/{id}",
    operation_id = "showAttempt",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The attempt's id"),
    ),
    responses(
        (status = 200, description = "The attempt", body = Shown),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn show(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id: AttemptId = id.parse().map_err(|error: Invalid| error.at("path"))?;
    Ok(Json(Shown::whole(gateway.webhooks.tried(&id).await?)).into_response())
}
