//! Waiting and failed deliveries: `GET /api/deliveries`, `GET /api/webhooks/{id}/deliveries`, and discarding one.

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::webhooks::deliveries::{DeliveriesPage, Delivery, EventDelivery};
use fanfare_api::words::DeliveryState;
use fanfare_api::{query, values};
use fanfare_core::{Code, Invalid, Position, Principal, WebhookId};

use crate::http::Gateway;
use crate::http::page::Size;
use crate::http::path;
use crate::http::query::Params;
use crate::http::webhooks::id_in_path;
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_delivery::listing::RowPlace;
use fanfare_delivery::service::WebhookError;
use fanfare_delivery::undelivered::DeliveryQuery;
use fanfare_delivery::values::{DeliveryRow, DeliveryStatus};

/// The size of a page.
const SIZE: Size = Size { default: 100, max: 1_000 };

/// Returns a delivery in its public form.
fn shown(row: DeliveryRow) -> Delivery {
    let (state, next_attempt_at, failed_at) = match row.status {
        DeliveryStatus::Waiting(at) => (DeliveryState::Waiting, Some(at), None),
        DeliveryStatus::Failed(at) => (DeliveryState::Failed, None, Some(at)),
    };
    Delivery {
        webhook_id: row.webhook,
        event_id: row.event.position,
        channel: row.event.channel.clone(),
        event_type: row.event.event_type.clone(),
        timestamp: row.event.timestamp,
        state,
        attempts: row.attempts,
        outcome: (&*row.failure).into(),
        next_attempt_at,
        failed_at,
    }
}

/// Removes and parses `state`: whether only failed deliveries are wanted, or only waiting ones.
fn failed(params: &mut Params) -> Result<Option<bool>, Problem> {
    params.read("state", |value| match value {
        "waiting" => Ok(false),
        "failed" => Ok(true),
        _ => Err(Invalid::new(
            Code::InvalidQuery,
            "`state` must be `waiting` or `failed`",
            "write `state=failed`, or leave it out for both",
        )),
    })
}

/// Lists deliveries of all webhooks that await their next attempt or failed.
#[utoipa::path(
    get,
    path = "/api/deliveries",
    operation_id = "listAllDeliveries",
    tag = "webhooks",
    params(query::OfWebhook, query::Deliveries),
    responses(
        (status = 200, description = "A page", body = DeliveriesPage<Delivery>),
    ),
)]
pub async fn list_all(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let mut params = Params::of(request.uri());
    let webhook = params.webhook_id()?;
    let failed = failed(&mut params)?;
    let event: Option<Position> = params.read("event_id", str::parse)?;
    let after: Option<RowPlace<Position>> = params.cursor()?;
    let limit = params.limit(SIZE)?;
    params.finish(&gateway.foreign)?;
    let known = any(&gateway, &by, webhook.as_ref());
    let positions = [(event, "?event_id"), (after.as_ref().and_then(|after| after.row), "?cursor")];
    check(&gateway, known.as_ref(), positions).await?;
    let wanted = DeliveryQuery { webhook, failed, event, after, limit };
    let (rows, next) = gateway.webhooks.undelivered(&by, wanted).await?;
    let deliveries = rows.into_iter().map(shown).collect::<Vec<_>>();
    Ok(Json(DeliveriesPage { deliveries, next_cursor: next.map(|next| next.to_string()) }).into_response())
}

/// Returns `webhook`, or else one that the caller owns: a position is checked against the log of either.
pub(super) fn any(gateway: &Gateway, by: &Principal, webhook: Option<&WebhookId>) -> Option<WebhookId> {
    let first = || gateway.webhooks.list(by).first().map(|entry| entry.webhook().id.clone());
    webhook.cloned().or_else(first)
}

/// Refuses a position in a log that this gateway never had. A caller without a webhook has no deliveries, so nothing is
/// checked.
pub(super) async fn check(
    gateway: &Gateway,
    id: Option<&WebhookId>,
    positions: [(Option<Position>, &str); 2],
) -> Result<(), Problem> {
    let Some(id) = id else { return Ok(()) };
    for (position, place) in positions {
        if let Some(position) = position {
            gateway.webhooks.check_place(id, position, place).await?;
        }
    }
    Ok(())
}

/// Lists deliveries of one webhook that await their next attempt or failed.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        query::Deliveries,
    ),
    responses(
        (status = 200, description = "A page", body = DeliveriesPage<Delivery>),
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
    let failed = failed(&mut params)?;
    let event: Option<Position> = params.read("event_id", str::parse)?;
    let cursor: Option<Position> = params.cursor()?;
    let limit = params.limit(SIZE)?;
    params.finish(&gateway.foreign)?;
    check(&gateway, Some(&id), [(event, "?event_id"), (cursor, "?cursor")]).await?;
    let before = event.map(|event| Position { seq: event.seq.saturating_sub(1), ..event });
    let limit = if event.is_some() { 1 } else { limit };
    let (mut rows, mut next) =
        gateway.webhooks.deliveries(&by, &id, failed, cursor.max(before), limit).await?;
    if let Some(event) = event {
        rows.retain(|row| row.event.position == event);
        next = None;
    }
    let deliveries = rows.into_iter().map(shown).collect::<Vec<_>>();
    Ok(Json(DeliveriesPage { deliveries, next_cursor: next.map(|next| next.to_string()) }).into_response())
}

/// Returns the state of an event's delivery to this webhook, and the body it is sent with.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}/deliveries/{event_id}",
    operation_id = "showDelivery",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        ("event_id" = values::Position, Path, description = "The event's position"),
    ),
    responses(
        (status = 200, description = "The delivery", body = EventDelivery),
    ),
)]
pub async fn show(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path((id, event_id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let event_id: Position = path::named(&event_id, "{event_id}")?;
    let event = gateway.webhooks.event(&by, &id, event_id).await?;
    let (fate, body) = gateway.webhooks.delivery(&by, &id, &event).await?;
    let state = fate.map(|fate| fate.as_str().into());
    let body = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(
            Code::Internal,
            format!("the body is not valid JSON: {error}"),
            "tell us which event it is",
        )
    })?;
    Ok(Json(EventDelivery { event_id, state, body }).into_response())
}

/// Discards one delivery: it is not retried and no longer listed.
#[utoipa::path(
    delete,
    path = "/api/webhooks/{id}/deliveries/{event_id}",
    operation_id = "discardDelivery",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        ("event_id" = values::Position, Path, description = "The event's position"),
    ),
    responses(
        (status = 200, description = "The delivery as it was", body = Delivery),
    ),
)]
pub async fn discard(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path((id, event_id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let event_id: Position = path::named(&event_id, "{event_id}")?;
    gateway.webhooks.check_place(&id, event_id, "{event_id}").await.map_err(|refused| match refused {
        WebhookError::Invalid(invalid) => path::not_there(invalid, "{event_id}"),
        other => other.into(),
    })?;
    Ok(Json(shown(gateway.webhooks.discard(&by, &id, event_id).await?)).into_response())
}
