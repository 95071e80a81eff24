//! The overview: channels, and the gateway itself.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::channels::{ChannelEntry, ChannelList};
use fanfare_api::query;
use fanfare_api::status::{Health, PartState, Readiness, Status, WebhookTotals};
use fanfare_api::words::{ProcessState, ReadyState};
use fanfare_core::page::cut;
use fanfare_core::{Channel, Principal};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::http::page;
use crate::http::query::Params;
use crate::http::{Gateway, accept};
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_delivery::state::State as WebhookState;
use fanfare_runtime::parts::{self, Row};
use fanfare_runtime::telemetry::Format;

/// Lists the channels with their rates.
#[utoipa::path(
    get,
    path = "/api/channels",
    operation_id = "listChannels",
    tag = "overview",
    params(query::Page),
    responses(
        (status = 200, description = "The channels, ordered by name", body = ChannelList),
    ),
)]
pub async fn channels(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let hub = &gateway.hub;
    let mut params = Params::of(request.uri());
    let (limit, after) = (params.limit(page::ROWS)?, params.cursor::<Channel>()?);
    params.finish(&gateway.foreign)?;
    let mut rows = hub.channels(&by);
    let total = rows.len();
    rows.retain(|(row, ..)| after.as_ref().is_none_or(|after| row.channel > *after));
    let next_cursor = cut(&mut rows, limit, |(row, ..)| row.channel.to_string());
    let channels: Vec<ChannelEntry> = rows
        .into_iter()
        .map(|(row, rate, stream_clients)| ChannelEntry {
            name: row.channel,
            events: row.events,
            last_id: hub.position(row.last_seq),
            last_timestamp: row.last_timestamp,
            rate: (rate * 1_000.0).round() / 1_000.0,
            stream_clients,
        })
        .collect();
    Ok(Json(ChannelList { channels, next_cursor, total }).into_response())
}

/// Reports that the process is running.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "operation",
    responses(
        (status = 200, description = "The process is running", body = Health),
    ),
)]
pub async fn health(State(gateway): State<Gateway>) -> Response {
    let uptime_seconds = gateway.hub.started().elapsed().as_secs();
    Json(Health { status: ProcessState::Ok, version: env!("CARGO_PKG_VERSION").into(), uptime_seconds })
        .into_response()
}

/// Reports whether the gateway accepts and delivers events.
#[utoipa::path(
    get,
    path = "/ready",
    operation_id = "ready",
    tag = "operation",
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "The gateway is stopping, a part of it is not running, or the store refuses pushes", body = Readiness),
    ),
)]
pub async fn ready(State(gateway): State<Gateway>) -> Response {
    let hub = &gateway.hub;
    let rows = gateway.board.rows();
    let refusal = hub.store_health().refusal.map(|refusal| refusal.to_string());
    let is_leaving = gateway.leaving.is_asked() || hub.is_closing();
    let (code, status) = match (is_leaving, parts::are_ready(&rows) && refusal.is_none()) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, ReadyState::Stopping),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, ReadyState::Degraded),
        (false, true) => (StatusCode::OK, ReadyState::Ready),
    };
    let part =
        |row: Row| PartState { name: row.name, state: row.health.as_str().into(), restarts: row.restarts };
    let parts = rows.into_iter().map(part).collect();
    (code, Json(Readiness { status, epoch: hub.epoch(), last: hub.last(), parts, refusal })).into_response()
}

/// Returns the gateway's version, store, addresses and counts.
#[utoipa::path(
    get,
    path = "/api/status",
    operation_id = "status",
    tag = "overview",
    responses(
        (status = 200, description = "The status", body = Status),
    ),
)]
pub async fn status(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
) -> Result<Response, Problem> {
    let hub = &gateway.hub;
    let extent = hub.extent();
    let health = hub.store_health();
    let listeners = gateway.listeners.borrow().clone();
    let status = Status {
        name: "fanfare".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        store: hub.engine().into(),
        epoch: hub.epoch(),
        first: hub.position(extent.oldest),
        last: hub.position(extent.last),
        damaged_events: health.damaged_events,
        refusal: health.refusal.map(|refusal| refusal.to_string()),
        uptime_seconds: hub.started().elapsed().as_secs(),
        stream_clients: hub.client_count(),
        total_webhooks: gateway.webhooks.count(),
        webhooks: webhook_totals(&gateway, &by).await?,
        listen: listeners[0].clone(),
        listeners,
    };
    Ok(Json(status).into_response())
}

async fn webhook_totals(gateway: &Gateway, by: &Principal) -> Result<WebhookTotals, Problem> {
    let counts = gateway.webhooks.delivery_counts(by).await?;
    let list = gateway.webhooks.list(by);
    let states: Vec<WebhookState> = list.iter().map(|entry| entry.state()).collect();
    let number_of = |state| states.iter().filter(|found| **found == state).count();
    Ok(WebhookTotals {
        paused: number_of(WebhookState::Paused),
        failing: number_of(WebhookState::Failing),
        held: number_of(WebhookState::Held),
        waiting: counts.values().map(|counts| counts.waiting).sum(),
        failed: counts.values().map(|counts| counts.failed).sum(),
    })
}

/// Returns metrics, in the text format of Prometheus or, if `Accept` names it, as OpenMetrics.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operation",
    responses(
        (status = 200, description = "The metrics", content((String = "text/plain"), (String = "application/openmetrics-text"))),
    ),
)]
pub async fn metrics(State(gateway): State<Gateway>, headers: HeaderMap) -> Result<Response, Problem> {
    let is_open = accept::names(&headers, "application/openmetrics-text");
    let (format, content_type) = match is_open {
        true => (Format::OpenMetrics, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        false => (Format::Prometheus, "text/plain; version=0.0.4; charset=utf-8"),
    };
    let measured = async {
        gateway.hub.measure().await?;
        gateway.webhooks.measure().await
    };
    if let Err(error) = measured.await {
        tracing::warn!(%error, "some metrics are out of date, because the store could not be read");
    }
    let text = gateway.metrics.encode(format).map_err(|error| {
        tracing::error!(%error, "the metrics could not be written");
        Problem::new(
            fanfare_core::Code::Internal,
            "the metrics could not be written",
            "the cause is in the gateway's server log",
        )
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::VARY, HeaderValue::from_static("accept")),
    ];
    Ok((headers, text).into_response())
}
