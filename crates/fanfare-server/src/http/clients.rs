//! The connected clients: who listens, and who has to leave.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::clients::{ClientEntry, ClientList, ClientSession};
use fanfare_api::words::ClientState;
use fanfare_api::{problem, query, values};
use fanfare_core::page::cut;
use fanfare_core::{Code, EventType, Filter, Pattern, Position, Principal, Priority, duration};

use crate::http::Gateway;
use crate::http::page;
use crate::http::query::Params;
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_hub::client::{self, Client, Transport};
use fanfare_hub::denials::DENY_MAX;
use fanfare_hub::disconnecting::{Connected, NotDisconnected};
use fanfare_hub::session::Session;

/// Lists live subscriptions and the position of each, and sessions of MCP.
#[utoipa::path(
    get,
    path = "/api/clients",
    operation_id = "listClients",
    tag = "overview",
    params(query::Page),
    responses(
        (status = 200, description = "The live subscriptions and the sessions, oldest connection first", body = ClientList),
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
    let head = hub.last();
    let mut rows = hub.connected(&by);
    let total = rows.len();
    rows.retain(|row| after.is_none_or(|after| row.id() > after));
    let next_cursor = cut(&mut rows, limit, |row| row.id().to_string());
    let clients = rows.iter().map(|row| shown(row, head)).collect();
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
        (status = 409, description = "The gateway runs in the process of this client", body = problem::Problem, content_type = "application/problem+json"),
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
    let number = client::number(&id);
    let not_found = || {
        Problem::not_found(format_args!("client `{id}`"), "`GET /api/clients` lists the clients").at("{id}")
    };
    let client = match hub.disconnect(&by, number.ok_or_else(not_found)?, deny_for) {
        Ok(client) => client,
        Err(NotDisconnected::Missing) => return Err(not_found()),
        Err(NotDisconnected::Host) => {
            let what = format!("the gateway runs in the process of client `{id}`, and would end with it");
            return Err(Problem::new(Code::ClientIsHost, what, "stop the program that started it").at("{id}"));
        }
    };
    Ok(Json(shown(&client, hub.last())).into_response())
}

/// Returns a client in its public form; the log ends at `head`.
fn shown(connected: &Connected, head: Position) -> ClientEntry {
    match connected {
        Connected::Client(client) => subscription(client, head),
        Connected::Session(session, clients) => of_session(session, clients, head),
    }
}

fn subscription(client: &Client, head: Position) -> ClientEntry {
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
        lag: client.lag(head.seq),
        state: client.state().as_str().into(),
        session: None,
    }
}

/// Returns a session as one client: it listens to what any of its subscriptions listens to.
fn of_session(session: &Session, clients: &[Arc<Client>], head: Position) -> ClientEntry {
    let filters = || clients.iter().map(|client| &client.feed.filter);
    let channels: BTreeSet<Pattern> = filters().flat_map(|filter| filter.patterns().to_vec()).collect();
    // One that takes all types says none.
    let takes_all = filters().any(|filter| filter.types().is_empty());
    let types: BTreeSet<EventType> = match takes_all {
        true => BTreeSet::new(),
        false => filters().flat_map(|filter| filter.types().to_vec()).collect(),
    };
    let min_priority = filters().map(Filter::min_priority).min().unwrap_or(Priority::Min);
    let last = clients.iter().max_by_key(|client| client.lag(head.seq));
    let introduction = session.introduction();
    let said = introduction.as_ref();
    let shown = ClientSession {
        wire: session.new.wire.as_str().into(),
        protocol_version: said.map(|said| said.revision.to_owned()),
        client_name: said.and_then(|said| said.name.as_ref().map(ToString::to_string)),
        client_version: said.and_then(|said| said.version.as_ref().map(ToString::to_string)),
        subscriptions: clients.len(),
    };
    ClientEntry {
        id: client::public_id(session.id),
        transport: Transport::Mcp.as_str().into(),
        principal: session.principal.name().to_string(),
        address: session.new.address,
        agent: session.new.agent.as_ref().map(ToString::to_string),
        channels: channels.into_iter().collect(),
        types: types.into_iter().collect(),
        min_priority: min_priority.as_str().into(),
        reader: None,
        connected_at: session.connected_at,
        position: last.map_or(head, |client| client.position()),
        lag: last.map_or(0, |client| client.lag(head.seq)),
        state: last.map_or(ClientState::Idle, |client| client.state().as_str().into()),
        session: Some(shown),
    }
}
