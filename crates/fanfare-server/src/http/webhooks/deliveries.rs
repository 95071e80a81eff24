//! What waits and what was given up: `GET /api/webhooks/{id}/deliveries`, and taking one out.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::WebhookId;
use fanfare_core::{Channel, Code, EventType, Invalid, Position, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::Gateway;
use crate::http::query::Params;
use crate::http::webhooks::id_in_path;
use crate::problem::{Problem, ProblemBody};
use fanfare_delivery::selecting;
use fanfare_delivery::values::{DeliveryRow, DeliveryStatus};
use fanfare_hub::Hub;

/// Most deliveries on a page.
const LIMIT_MAX: usize = 1_000;
/// Deliveries on a page when the caller says nothing.
const LIMIT_DEFAULT: usize = 100;

/// A delivery that waits for its next attempt, or was given up.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Delivery {
    /// The event.
    #[schema(value_type = String)]
    event_id: Position,
    /// Where that was pushed to.
    #[schema(value_type = String)]
    channel: Channel,
    /// What kind it is.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    event_type: EventType,
    /// When it was pushed.
    #[schema(value_type = String)]
    timestamp: Timestamp,
    /// `waiting` or `dead`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// Why the last attempt failed.
    failure: Box<str>,
    /// Not before this it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_attempt_at: Option<Timestamp>,
    /// When it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    given_up_at: Option<Timestamp>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DeliveriesPage {
    /// In the order of the log.
    deliveries: Vec<Delivery>,
    /// What to give as `after` for the next page; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<Position>,
}

/// An event for one webhook.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EventDelivery {
    /// The event.
    #[schema(value_type = String)]
    event_id: Position,
    /// `pending`, `delivered`, `waiting` (for its next attempt) or `dead` (given up); left out when the event is not for
    /// this webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// The body that it is sent with, as the webhook is now.
    #[schema(value_type = Object)]
    body: Box<RawValue>,
}

/// What was taken out.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Discarded {
    /// `success`.
    status: &'static str,
    /// The webhook.
    #[schema(value_type = String)]
    id: WebhookId,
    /// The event.
    #[schema(value_type = String)]
    event_id: Position,
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Delivery {
        let (state, next_attempt_at, given_up_at) = match row.status {
            DeliveryStatus::Waiting(at) => ("waiting", Some(at), None),
            DeliveryStatus::Dead(at) => ("dead", None, Some(at)),
        };
        Delivery {
            event_id: row.event.position,
            channel: row.event.channel.clone(),
            event_type: row.event.event_type.clone(),
            timestamp: row.event.timestamp,
            state,
            attempts: row.attempts,
            failure: row.failure,
            next_attempt_at,
            given_up_at,
        }
    }
}

/// Lists what waits for its next attempt, and what was given up.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
        ("state" = Option<String>, Query, description = "`waiting` or `dead`; both when nothing is said"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<usize>, Query, description = "1 to 1,000; default 100"),
    ),
    responses(
        (status = 200, description = "A page", body = DeliveriesPage),
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
    let dead = params.read("state", |value| match value {
        "waiting" => Ok(false),
        "dead" => Ok(true),
        _ => Err(Invalid::new(
            Code::InvalidQuery,
            "`state` is neither `waiting` nor `dead`",
            "write `state=dead`, or leave it out for both",
        )),
    })?;
    let after: Option<Position> = params.read("after", str::parse)?;
    let limit = params.read("limit", limit)?.unwrap_or(LIMIT_DEFAULT);
    params.finish()?;
    let after = after.map(|after| seq_in(&gateway.hub, after, "query parameter `after`")).transpose()?;
    let (rows, next) = gateway.webhooks.deliveries(&id, dead, after.unwrap_or(0), limit).await?;
    let deliveries = rows.into_iter().map(Delivery::from).collect();
    Ok(Json(DeliveriesPage { deliveries, next: next.map(|seq| gateway.hub.position(seq)) }).into_response())
}

/// Shows how an event fared with this webhook, and what it is sent as.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}/deliveries/{event_id}",
    operation_id = "showDelivery",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
        ("event_id" = String, Path, description = "The event's position"),
    ),
    responses(
        (status = 200, description = "The delivery", body = EventDelivery),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(gateway): State<Gateway>,
    Path((id, event_id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let event_id: Position = event_id.parse().map_err(|error: Invalid| error.at("path"))?;
    let event = gateway.webhooks.event(&id, event_id).await?;
    let (fate, body) = gateway.webhooks.delivery(&id, &event).await?;
    let state = fate.map(|fate| fate.as_str());
    let body = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(Code::Internal, format!("the body is no JSON: {error}"), "tell us which event it is")
    })?;
    Ok(Json(EventDelivery { event_id, state, body }).into_response())
}

/// Takes out one delivery: it is not tried again, and not listed any more.
#[utoipa::path(
    delete,
    path = "/api/webhooks/{id}/deliveries/{event_id}",
    operation_id = "discardDelivery",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
        ("event_id" = String, Path, description = "The event's position"),
    ),
    responses(
        (status = 200, description = "It is taken out", body = Discarded),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn discard(
    State(gateway): State<Gateway>,
    Path((id, event_id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let event_id: Position = event_id.parse().map_err(|error: Invalid| error.at("path"))?;
    gateway.webhooks.discard(&id, seq_in(&gateway.hub, event_id, "path")?).await?;
    Ok(Json(Discarded { status: "success", id, event_id }).into_response())
}

fn limit(value: &str) -> Result<usize, Invalid> {
    value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
        Invalid::new(Code::InvalidQuery, "`limit` is no number from 1 to 1000", "write `limit=100`")
    })
}

/// Gives the seq of a position of this log; `place` is where it stands.
pub(super) fn seq_in(hub: &Hub, position: Position, place: &str) -> Result<u64, Problem> {
    Ok(selecting::seq_in(hub, position).map_err(|invalid| invalid.at(place))?)
}
