//! `GET /api/events`, one event, and its recipients.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::history::{HistoryPage, ReaderReceipt, Receipts, WebhookReceipt};
use fanfare_api::words::DeliveryState;
use fanfare_api::{event, query, values};
use fanfare_core::line_ends;
use fanfare_core::{Caller, Code, Event, Peer, Position, Principal};
use http::{HeaderName, HeaderValue, header};

use crate::http::page::Size;
use crate::http::query::Params;
use crate::http::selection::Selection;
use crate::http::{Gateway, accept, export, path, waiting};
use crate::net::guard;
use crate::net::json::Json;
use crate::net::streams::StreamPermit;
use crate::problem::Problem;
use fanfare_delivery::looking::Fate;
use fanfare_delivery::registry::Entry;
use fanfare_hub::Hub;
use fanfare_hub::client::{NewClient, Transport};
use fanfare_hub::history::Collected;
use fanfare_runtime::bulk;

/// The size of a page.
const SIZE: Size = Size { default: 100, max: 1_000 };
/// The size of an export: it is sent as it is read.
const EXPORT: Size = Size { default: usize::MAX, max: usize::MAX };

/// Reads a page of the history, or all of it as lines of JSON.
#[utoipa::path(
    get,
    path = "/api/events",
    operation_id = "listEvents",
    tag = "history",
    params(
        query::Filter,
        query::Search,
        query::History,
    ),
    responses(
        (status = 200, description = "A page, or every event on a line of its own", content((HistoryPage<event::Event> = "application/json"), (String = "application/x-ndjson"))),
    ),
)]
pub async fn list(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
    Extension(permit): Extension<Arc<StreamPermit>>,
    request: Request,
) -> Result<Response, Problem> {
    const VARY: (HeaderName, HeaderValue) = (header::VARY, HeaderValue::from_static("accept"));
    const JSON: (HeaderName, HeaderValue) =
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let hub = &gateway.hub;
    let is_export = accept::names(request.headers(), export::MEDIA_TYPE);
    let mut params = Params::of(request.uri());
    let selection = Selection::of(&mut params)?;
    let wait = params.wait()?.unwrap_or_default();
    let limit = params.limit(if is_export { EXPORT } else { SIZE })?;
    params.finish(&gateway.foreign)?;
    if !wait.is_zero() {
        permit.last()?;
        let agent = guard::agent(request.headers());
        let client =
            NewClient { transport: Transport::Http, address: Some(peer), agent, reader: None, session: None };
        waiting::first_of(&selection, hub, &by, &caller, client, wait).await?;
    }
    let (extent, read) = selection.locate(hub, &by, limit).await?;
    if is_export {
        return Ok(([VARY], gateway.exports.answer(hub, &by, &caller, read, limit).await?).into_response());
    }
    let Collected { events, next, damaged, purged, place: _place } = hub.collect(&by, &caller, read).await?;
    let len = events.iter().map(|event| event.stored_len() as usize).sum();
    let page = HistoryPage {
        events,
        next_cursor: next.map(|seq| hub.position(seq).to_string()),
        damaged: (damaged > 0).then_some(damaged),
        purged: (purged > 0).then_some(purged),
        first: hub.position(extent.oldest),
        last: hub.position(extent.last),
    };
    let encode = move || line_ends::written(&page);
    let page = bulk::run(len, encode).await;
    Ok(([VARY, JSON], page).into_response())
}

/// Returns one event.
#[utoipa::path(
    get,
    path = "/api/events/{id}",
    operation_id = "showEvent",
    tag = "history",
    params(
        ("id" = values::Position, Path, description = "The event's position"),
    ),
    responses(
        (status = 200, description = "The event", body = event::Event),
    ),
)]
pub async fn show(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(Json(find(&gateway.hub, &by, &id).await?).into_response())
}

/// Returns the receipt of an event for a webhook.
fn receipt(entry: &Entry, fate: Fate) -> WebhookReceipt {
    let webhook = entry.webhook();
    let state = fate.as_str().into();
    let next_attempt_at = match &fate {
        Fate::Waiting(row) => row.status.due(),
        Fate::Failed(_) | Fate::Delivered | Fate::Pending => None,
    };
    let (attempts, outcome) = match fate {
        Fate::Failed(row) | Fate::Waiting(row) => (Some(row.attempts), Some((&*row.failure).into())),
        Fate::Delivered | Fate::Pending => (None, None),
    };
    let webhook_url = webhook.url.shown().into();
    WebhookReceipt {
        webhook_id: webhook.id.clone(),
        webhook_name: webhook.name.clone(),
        webhook_url,
        state,
        attempts,
        outcome,
        next_attempt_at,
    }
}

/// Returns which durable readers have an event, and the state of its webhook deliveries.
#[utoipa::path(
    get,
    path = "/api/events/{id}/receipts",
    operation_id = "listReceipts",
    tag = "readers",
    params(
        ("id" = values::Position, Path, description = "The event's position"),
    ),
    responses(
        (status = 200, description = "The readers and webhooks that the event is for", body = Receipts),
    ),
)]
pub async fn receipts(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let hub = &gateway.hub;
    let event = find(hub, &by, &id).await?;
    let readers: Vec<ReaderReceipt> = hub
        .receipts(&by, &event)
        .await?
        .into_iter()
        .map(|row| ReaderReceipt {
            acknowledged: row.has(event.position),
            position: row.acknowledged,
            reader: row.key.name,
        })
        .collect();
    let readers_acknowledged = readers.iter().filter(|receipt| receipt.acknowledged).count();
    let fates = gateway.webhooks.fates(&by, &event).await?;
    let webhooks: Vec<_> = fates.into_iter().map(|(entry, fate)| receipt(&entry, fate)).collect();
    let receipts = Receipts {
        event_id: event.position,
        readers_total: readers.len(),
        readers_acknowledged,
        readers,
        webhooks_total: webhooks.len(),
        webhooks_delivered: webhooks
            .iter()
            .filter(|webhook| webhook.state == DeliveryState::Delivered)
            .count(),
        webhooks,
    };
    Ok(Json(receipts).into_response())
}

/// Returns the event with this id.
pub(super) async fn find(hub: &Hub, by: &Principal, id: &str) -> Result<Arc<Event>, Problem> {
    let position: Position = path::named(id, "{id}")?;
    if let Some(event) = hub.event(by, position).await? {
        return Ok(event);
    }
    Err(not_kept(hub, position))
}

/// Returns the problem for an event that the log does not have, or no longer has.
pub(super) fn not_kept(hub: &Hub, position: Position) -> Problem {
    let extent = hub.extent();
    if position.epoch == hub.epoch() && position.seq >= 1 && position.seq < extent.first {
        return Problem::new(
            Code::PositionGone,
            format!("retention has removed event `{position}`"),
            format!("the oldest event kept is `{}`", hub.position(extent.oldest)),
        );
    }
    let fix = "`GET /api/events` lists the events that are kept";
    Problem::not_found(format_args!("event `{position}`"), fix).at("{id}")
}
