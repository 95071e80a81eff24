//! Durable readers: `GET /api/readers`, acknowledging and deleting.

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::readers::{Acknowledgement, Reader, ReaderSettings, Readers};
use fanfare_api::{query, values};
use fanfare_core::filter_words::FilterMembers;
use fanfare_core::members::Members;
use fanfare_core::{Caller, Code, Filter, Position, Principal, ReaderName};
use http::StatusCode;

use crate::http::Gateway;
use crate::http::page;
use crate::http::path;
use crate::http::query::Params;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_hub::readers::ReaderInfo;
use fanfare_hub::values::ReaderRow;

/// Lists the durable readers with their lag.
#[utoipa::path(
    get,
    path = "/api/readers",
    operation_id = "listReaders",
    tag = "readers",
    params(query::Page),
    responses(
        (status = 200, description = "The readers, ordered by name", body = Readers),
    ),
)]
pub async fn list(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let mut params = Params::of(request.uri());
    let (limit, after) = (params.limit(page::ROWS)?, params.cursor::<ReaderName>()?);
    params.finish(&gateway.foreign)?;
    let found = gateway.hub.readers(&by, after.as_ref(), limit).await?;
    let next_cursor = found.next.map(|name| name.to_string());
    let readers: Vec<Reader> = found.readers.into_iter().map(shown).collect();
    Ok(Json(Readers { readers, next_cursor, total: found.total }).into_response())
}

/// Returns a reader in its public form.
fn shown(info: ReaderInfo) -> Reader {
    let ReaderRow { key, acknowledged, filter, updated } = info.row;
    Reader {
        name: key.name,
        position: acknowledged,
        channels: filter.patterns().to_vec(),
        types: filter.types().to_vec(),
        min_priority: filter.min_priority().as_str().into(),
        text: filter.text().map(Into::into),
        connected: info.connected,
        lag: info.lag,
        lag_is_exact: info.lag_is_exact,
        updated_at: updated,
    }
}

/// Acknowledges all events up to a position for a reader.
#[utoipa::path(
    post,
    path = "/api/readers/{name}/ack",
    operation_id = "acknowledge",
    tag = "readers",
    params(
        ("name" = values::ReaderName, Path, description = "The reader's name"),
    ),
    request_body(content = Acknowledgement, content_type = "application/json"),
    responses(
        (status = 200, description = "The updated reader", body = Reader),
    ),
)]
pub async fn acknowledge(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    const FIX: &str = "send `{\"position\": \"k3f9x2ab-1042\"}`";
    let name = name_in_path(&name)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let mut members = Members::parse(&bytes, Code::InvalidPosition, FIX)?;
    let position: Option<Position> = members.parsed("position", str::parse)?.flatten();
    members.finish()?;
    let position = position
        .ok_or_else(|| Problem::new(Code::InvalidPosition, "`position` is missing", FIX).at("/position"))?;
    let row = gateway.hub.acknowledge(&by, &name, position).await?;
    Ok(Json(shown(gateway.hub.reader_info(row).await?)).into_response())
}

/// Sets the filter of a durable reader, and its position if one is given: forward or back. A reader that does not exist
/// is created, at the end of the log if no position is given. Open connections of the reader keep their filter.
#[utoipa::path(
    put,
    path = "/api/readers/{name}",
    operation_id = "setReader",
    tag = "readers",
    params(
        ("name" = values::ReaderName, Path, description = "The reader's name"),
    ),
    request_body(content = ReaderSettings, content_type = "application/json"),
    responses(
        (status = 200, description = "The updated reader", body = Reader),
        (status = 201, description = "The new reader", body = Reader),
    ),
)]
pub async fn set(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    const FIX: &str = "send an object such as `{\"channels\": [\"builds.*\"]}`";
    let name = name_in_path(&name)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let mut members = Members::parse(&bytes, Code::InvalidReader, FIX)?;
    let filter = FilterMembers::take(&mut members)?;
    let position: Option<Position> = members.parsed("position", str::parse)?.flatten();
    members.finish()?;
    let filter = filter.read()?.unwrap_or_else(Filter::all);
    let (row, is_new) = gateway.hub.set_reader(&by, &name, &filter, position).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(shown(gateway.hub.reader_info(row).await?))).into_response())
}

/// Deletes a durable reader.
#[utoipa::path(
    delete,
    path = "/api/readers/{name}",
    operation_id = "forgetReader",
    tag = "readers",
    params(
        ("name" = values::ReaderName, Path, description = "The reader's name"),
    ),
    responses(
        (status = 200, description = "The reader as it was", body = Reader),
    ),
)]
pub async fn remove(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = name_in_path(&name)?;
    let removed = gateway.hub.remove_reader(&by, &name).await?.ok_or_else(|| {
        let fix = "`GET /api/readers` lists the readers";
        Problem::not_found(format_args!("reader `{name}`"), fix).at("{name}")
    })?;
    Ok(Json(shown(gateway.hub.reader_info(removed).await?)).into_response())
}

fn name_in_path(name: &str) -> Result<ReaderName, Problem> {
    path::named(name, "{name}")
}
