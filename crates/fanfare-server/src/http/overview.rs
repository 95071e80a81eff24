//! Who and what is there: channels, clients, and the gateway itself.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fanfare_core::{Channel, Epoch, EventType, Pattern, Position, Priority, ReaderName, Timestamp};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::http::Gateway;
use crate::problem::{Problem, ProblemBody};
use fanfare_runtime::parts::{self, Row};

/// Every channel that has had an event.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ChannelList {
    /// In order of the name.
    channels: Vec<ChannelEntry>,
    /// How many.
    total: usize,
}

/// A channel.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ChannelEntry {
    /// Its name.
    #[schema(value_type = String)]
    channel: Channel,
    /// How many events were ever pushed to it.
    events: u64,
    /// Its last event.
    #[schema(value_type = String)]
    last_id: Position,
    /// When that was.
    #[schema(value_type = String)]
    last_timestamp: Timestamp,
    /// Events per second over the last minute.
    rate: f64,
    /// How many live subscriptions match it.
    stream_clients: usize,
}

/// Lists the channels with their rates.
#[utoipa::path(
    get,
    path = "/api/channels",
    operation_id = "listChannels",
    tag = "overview",
    responses(
        (status = 200, description = "The channels", body = ChannelList),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn channels(State(gateway): State<Gateway>) -> Response {
    let hub = &gateway.hub;
    let channels: Vec<ChannelEntry> = hub
        .channels()
        .into_iter()
        .map(|(row, rate, stream_clients)| ChannelEntry {
            channel: row.channel,
            events: row.events,
            last_id: hub.position(row.last_seq),
            last_timestamp: row.last_timestamp,
            rate: (rate * 1_000.0).round() / 1_000.0,
            stream_clients,
        })
        .collect();
    Json(ChannelList { total: channels.len(), channels }).into_response()
}

/// Everybody who is connected.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ClientList {
    /// The oldest connection first.
    clients: Vec<ClientEntry>,
    /// How many.
    total: usize,
}

/// A live subscription.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ClientEntry {
    /// Its number.
    client: u64,
    /// `sse`, `websocket` or `mcp`.
    transport: &'static str,
    /// Who opened it.
    principal: String,
    /// The other end; nothing for who started the gateway's process.
    #[schema(value_type = Option<String>)]
    address: Option<SocketAddr>,
    /// What it reads.
    #[schema(value_type = Vec<String>)]
    patterns: Vec<Pattern>,
    /// Which types; none means all.
    #[schema(value_type = Vec<String>)]
    types: Vec<EventType>,
    /// The least priority.
    #[schema(value_type = String)]
    min_priority: Priority,
    /// The durable reader that it is a connection of.
    #[schema(value_type = Option<String>)]
    reader: Option<ReaderName>,
    /// Since when.
    #[schema(value_type = String)]
    connected_at: Timestamp,
    /// How far it is.
    #[schema(value_type = String)]
    position: Position,
    /// How many events it has yet to get; while replaying, events of all kinds.
    lag: u64,
    /// `live`, `replaying` or `stalled`.
    state: &'static str,
}

/// Lists who is connected, and how far each is.
#[utoipa::path(
    get,
    path = "/api/clients",
    operation_id = "listClients",
    tag = "overview",
    responses(
        (status = 200, description = "The live subscriptions", body = ClientList),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn clients(State(gateway): State<Gateway>) -> Response {
    let hub = &gateway.hub;
    let head = hub.extent().last;
    let clients: Vec<ClientEntry> = hub
        .clients()
        .into_iter()
        .map(|client| ClientEntry {
            client: client.id,
            transport: client.transport.as_str(),
            principal: client.principal.name.to_string(),
            address: client.address,
            patterns: client.feed.filter.patterns().to_vec(),
            types: client.feed.filter.types().to_vec(),
            min_priority: client.feed.filter.min_priority(),
            reader: client.reader.clone(),
            connected_at: client.connected_at,
            position: hub.position(client.seq()),
            lag: client.lag(head),
            state: client.state().as_str(),
        })
        .collect();
    Json(ClientList { total: clients.len(), clients }).into_response()
}

/// That the process runs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
    /// The version of the program.
    version: &'static str,
    /// For how long it has run.
    uptime_seconds: u64,
}

/// Says that the process runs.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "operation",
    responses(
        (status = 200, description = "It runs", body = Health),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn health(State(gateway): State<Gateway>) -> Response {
    let uptime_seconds = gateway.hub.started().elapsed().as_secs();
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION"), uptime_seconds }).into_response()
}

/// That the gateway takes and delivers events.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// `ready`; with status 503 `degraded`, when a part is not running that is needed, or `stopping`.
    status: &'static str,
    /// The log.
    #[schema(value_type = String)]
    epoch: Epoch,
    /// Its last position.
    #[schema(value_type = String)]
    last: Position,
    /// Everything that runs in the gateway, and whether it does.
    parts: Vec<PartState>,
}

/// A part of the gateway.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PartState {
    /// Its name.
    name: String,
    /// `up`; `down`; or `silent`, when it has not ended but does nothing.
    state: &'static str,
    /// How many times it has begun again.
    restarts: u64,
}

/// Says whether the gateway takes and delivers events.
#[utoipa::path(
    get,
    path = "/ready",
    operation_id = "ready",
    tag = "operation",
    responses(
        (status = 200, description = "It does", body = Readiness),
        (status = 503, description = "It is stopping, or a part of it is not running", body = Readiness),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn ready(State(gateway): State<Gateway>) -> Response {
    let hub = &gateway.hub;
    let rows = gateway.board.rows();
    let (code, status) = match (hub.is_closing(), parts::are_ready(&rows)) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "degraded"),
        (false, true) => (StatusCode::OK, "ready"),
    };
    let part = |row: Row| PartState { name: row.name, state: row.health.as_str(), restarts: row.restarts };
    let parts = rows.into_iter().map(part).collect();
    (code, Json(Readiness { status, epoch: hub.epoch(), last: hub.last(), parts })).into_response()
}

/// What the gateway is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Status {
    /// `fanfare`.
    name: &'static str,
    /// The version of the program.
    version: &'static str,
    /// The engine of the store.
    store: &'static str,
    /// The log.
    #[schema(value_type = String)]
    epoch: Epoch,
    /// The oldest position that is kept.
    #[schema(value_type = String)]
    first: Position,
    /// The last position.
    #[schema(value_type = String)]
    last: Position,
    /// For how long it has run.
    uptime_seconds: u64,
    /// How many live subscriptions there are.
    stream_clients: usize,
    /// How many webhooks are registered.
    total_webhooks: usize,
    /// How these fare.
    webhooks: WebhookTotals,
    /// Where it listens: the first of `listeners`.
    #[schema(value_type = String)]
    listen: SocketAddr,
    /// Everywhere it listens, its own addresses before those that pushes asked for.
    #[schema(value_type = Vec<String>)]
    listeners: Vec<SocketAddr>,
}

/// How the webhooks fare, all together.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WebhookTotals {
    /// How many are paused.
    paused: usize,
    /// How many are sent to, and failed last time.
    failing: usize,
    /// Deliveries that wait for their next attempt.
    waiting: u64,
    /// Deliveries that were given up.
    dead: u64,
}

/// Says what the gateway is.
#[utoipa::path(
    get,
    path = "/api/status",
    operation_id = "status",
    tag = "overview",
    responses(
        (status = 200, description = "What it is", body = Status),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn status(State(gateway): State<Gateway>) -> Result<Response, Problem> {
    let hub = &gateway.hub;
    let extent = hub.extent();
    let listeners = gateway.listeners.borrow().clone();
    let status = Status {
        name: "fanfare",
        version: env!("CARGO_PKG_VERSION"),
        store: hub.engine(),
        epoch: hub.epoch(),
        first: hub.position(extent.first),
        last: hub.position(extent.last),
        uptime_seconds: hub.started().elapsed().as_secs(),
        stream_clients: hub.client_count(),
        total_webhooks: gateway.webhooks.count(),
        webhooks: webhook_totals(&gateway).await?,
        listen: listeners[0],
        listeners,
    };
    Ok(Json(status).into_response())
}

async fn webhook_totals(gateway: &Gateway) -> Result<WebhookTotals, Problem> {
    let counts = gateway.webhooks.delivery_counts().await?;
    let list = gateway.webhooks.list();
    let healths = list.iter().map(|entry| entry.health());
    let (paused, sent_to): (Vec<_>, Vec<_>) = healths.partition(|health| health.is_paused());
    Ok(WebhookTotals {
        paused: paused.len(),
        failing: sent_to.iter().filter(|health| health.failing.failures > 0).count(),
        waiting: counts.values().map(|counts| counts.waiting).sum(),
        dead: counts.values().map(|counts| counts.dead).sum(),
    })
}

/// Gives what is measured, in the OpenMetrics text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operation",
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text"),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn metrics(State(gateway): State<Gateway>) -> Result<Response, Problem> {
    const CONTENT_TYPE: HeaderValue =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = gateway.metrics.encode().map_err(|error| {
        tracing::error!(%error, "the metrics could not be written");
        Problem::new(
            fanfare_core::Code::Internal,
            "the metrics could not be written",
            "the gateway's log says why",
        )
    })?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}
