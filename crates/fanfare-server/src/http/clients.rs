//! The connected clients: who listens, and who has to leave.

use std::time::Duration;

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::clients::{ClientEntry, ClientList};
use fanfare_api::{query, values};
use fanfare_core::page::cut;
use fanfare_core::{Principal, duration};

use crate::http::Gateway;
use crate::http::page;
use crate::http::query::Params;
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_hub::client::Client;
use fanfare_hub::denials::DENY_MAX;

/// Lists live subscriptions and the position of each.
#[utoipa::path(
    get,
    path = "/api/clients",
    operation_id = "listClients",
    tag = "overview",
    params(query::Page),
    responses(
        (status = 200, description = "The live subscriptions, oldest connection first", body = ClientList),
    ),
)]
pub async fn list(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let hub = &gateway.hub;
    let mut params = Params::of(request.uri());
    let (limit, after) = (params.limit(page::ROWS)?, params.cursor::<u64>()?);
    params.finish(&gateway.foreign)?;
    let head = hub.extent().last;
    let mut rows = hub.clients(&by);
    let total = rows.len();
    rows.retain(|client| after.is_none_or(|after| client.id > after));
    let next_cursor = cut(&mut rows, limit, |client| client.id.to_string());
    let clients = rows.iter().map(|client| shown(client, head)).collect();
    Ok(Json(ClientList { clients, next_cursor, total }).into_response())
}

/// Disconnects a client. Without `deny_for`, the client may return at once.
#[utoipa::path(
    delete,
    path = "/api/clients/{id}",
    operation_id = "disconnectClient",
    tag = "overview",
    params(
        ("id" = values::ClientId, Path, description = "The client's id"),
        query::Disconnect,
    ),
    responses(
        (status = 200, description = "The client as it was", body = ClientEntry),
    ),
)]
pub async fn disconnect(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    const RANGE: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=DENY_MAX;
    let mut params = Params::of(request.uri());
    let deny_for = params.read("deny_for", |text| duration::within(text, &RANGE))?;
    params.finish(&gateway.foreign)?;
    let hub = &gateway.hub;
    let number = Client::number(&id);
    let client = number.and_then(|number| hub.disconnect(&by, number, deny_for)).ok_or_else(|| {
        Problem::not_found(format_args!("client `{id}`"), "`GET /api/clients` lists the clients").at("{id}")
    })?;
    Ok(Json(shown(&client, hub.extent().last)).into_response())
}

/// Returns a client in its public form; the log ends at `head`.
fn shown(client: &Client, head: u64) -> ClientEntry {
    ClientEntry {
        id: client.public_id(),
        transport: client.transport.as_str().into(),
        principal: client.principal.name().to_string(),
        address: client.address,
        agent: client.agent.as_ref().map(ToString::to_string),
        channels: client.feed.filter.patterns().to_vec(),
        types: client.feed.filter.types().to_vec(),
        min_priority: client.feed.filter.min_priority().as_str().into(),
        reader: client.reader.clone(),
        connected_at: client.connected_at,
        position: client.position(),
        lag: client.lag(head),
        state: client.state().as_str().into(),
    }
}
