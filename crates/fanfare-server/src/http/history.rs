//! `GET /api/events`, one event, and its recipients.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::history::{HistoryPage, ReaderReceipt, Receipts, WebhookReceipt};
use fanfare_api::words::DeliveryState;
use fanfare_api::{event, query, values};
use fanfare_core::start::Moment;
use fanfare_core::{Code, Event, Invalid, Position, Principal};

use crate::http::Gateway;
use crate::http::page::Size;
use crate::http::path;
use crate::http::query::Params;
use crate::problem::Problem;
use fanfare_delivery::looking::Fate;
use fanfare_delivery::registry::Entry;
use fanfare_hub::Hub;
use fanfare_hub::values::{Order, Read};
use fanfare_runtime::clock;

/// The size of a page.
const SIZE: Size = Size { default: 100, max: 1_000 };

/// Reads a page of the history.
#[utoipa::path(
    get,
    path = "/api/events",
    operation_id = "listEvents",
    tag = "history",
    params(
        query::Filter,
        query::History,
    ),
    responses(
        (status = 200, description = "A page", body = HistoryPage<event::Event>),
    ),
)]
pub async fn list(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let hub = &gateway.hub;
    let mut params = Params::of(request.uri());
    let filter = params.filter(true)?;
    let after: Option<Position> = params.read("after", str::parse)?;
    let before: Option<Position> = params.read("before", str::parse)?;
    let since: Option<Moment> = params.read("since", str::parse)?;
    let until: Option<Moment> = params.read("until", str::parse)?;
    let order = params.read("order", order)?.unwrap_or(Order::Newest);
    let limit = params.limit(SIZE)?;
    let cursor: Option<Position> = params.cursor()?;
    params.finish()?;

    let now = clock::now();
    let extent = hub.extent();
    let mut read = Read {
        epoch: extent.epoch,
        after: extent.first.saturating_sub(1),
        until: extent.last,
        filter,
        order,
        limit,
        now,
    };
    if let Some(after) = after {
        read.after = read.after.max(seq_in(hub, after, "after")?);
    }
    if let Some(before) = before {
        read.until = read.until.min(seq_in(hub, before, "before")?.saturating_sub(1));
    }
    if let Some(since) = since {
        read.after = read.after.max(hub.seq_before(&by, since.resolve(now)).await?);
    }
    if let Some(until) = until {
        read.until = read.until.min(hub.seq_before(&by, until.resolve(now)).await?);
    }
    if let Some(cursor) = cursor {
        let seq = seq_in(hub, cursor, "cursor")?;
        match order {
            Order::Newest => read.until = read.until.min(seq.saturating_sub(1)),
            Order::Oldest => read.after = read.after.max(seq),
        }
    }
    let (events, next) = hub.collect(&by, read).await?;
    let page = HistoryPage {
        events,
        next_cursor: next.map(|seq| hub.position(seq).to_string()),
        first: hub.position(extent.first),
        last: hub.position(extent.last),
    };
    Ok(Json(page).into_response())
}

fn seq_in(hub: &Hub, position: Position, name: &str) -> Result<u64, Problem> {
    if position.epoch == hub.epoch() {
        return Ok(position.seq);
    }
    Err(Problem::new(
        Code::InvalidPosition,
        format!("position `{position}` belongs to another log"),
        format!("positions in this log start with `{}-`", hub.epoch()),
    )
    .at(format!("?{name}")))
}

fn order(value: &str) -> Result<Order, Invalid> {
    match value {
        "newest" => Ok(Order::Newest),
        "oldest" => Ok(Order::Oldest),
        _ => Err(Invalid::new(
            Code::InvalidQuery,
            "`order` must be `newest` or `oldest`",
            "write `order=newest` or `order=oldest`",
        )),
    }
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
    let webhook_url = webhook.url.as_given().into();
    WebhookReceipt { webhook_id: webhook.id.clone(), webhook_url, state, attempts, outcome, next_attempt_at }
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

async fn find(hub: &Hub, by: &Principal, id: &str) -> Result<Arc<Event>, Problem> {
    let position: Position = path::named(id, "{id}")?;
    if let Some(event) = hub.event(by, position).await? {
        return Ok(event);
    }
    let extent = hub.extent();
    if position.epoch == hub.epoch() && position.seq >= 1 && position.seq < extent.first {
        return Err(Problem::new(
            Code::PositionGone,
            format!("retention has removed event `{position}`"),
            format!("the oldest event kept is `{}`", hub.position(extent.first)),
        ));
    }
    let fix = "`GET /api/events` lists the events that are kept";
    Err(Problem::not_found(format_args!("event `{position}`"), fix).at("{id}"))
}
