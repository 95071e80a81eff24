//! Durable readers: `GET /api/readers`, acknowledging, forgetting.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::{Code, EventType, Invalid, Pattern, Position, ReaderName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::http::Gateway;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::problem::{Problem, ProblemBody};
use fanfare_hub::values::ReaderRow;

/// Every durable reader.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readers {
    /// In order of the name.
    readers: Vec<Reader>,
    /// How many.
    total: usize,
}

/// A durable reader.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Reader {
    /// Its name.
    #[schema(value_type = String)]
    reader: ReaderName,
    /// What it has acknowledged.
    #[schema(value_type = String)]
    position: Position,
    /// What it reads.
    #[schema(value_type = Vec<String>)]
    patterns: Vec<Pattern>,
    /// Which types; none means all.
    #[schema(value_type = Vec<String>)]
    types: Vec<EventType>,
    /// How many connections it has.
    connected: usize,
    /// How many matching events it has yet to acknowledge, up to 10,000.
    lag: u64,
    /// Whether all of them were counted.
    lag_is_exact: bool,
    /// When it was last opened or acknowledged something.
    #[schema(value_type = String)]
    updated: Timestamp,
}

/// What became of one reader.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReaderAnswer {
    /// `success`.
    status: &'static str,
    /// Its name.
    #[schema(value_type = String)]
    reader: ReaderName,
    /// What it has acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    position: Option<Position>,
}

/// The body of an acknowledgement.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// Everything up to here is acknowledged.
    position: String,
}

/// Lists the durable readers with their lag.
#[utoipa::path(
    get,
    path = "/api/readers",
    operation_id = "listReaders",
    tag = "readers",
    responses(
        (status = 200, description = "The readers", body = Readers),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn list(State(gateway): State<Gateway>) -> Result<Response, Problem> {
    let readers: Vec<Reader> = gateway
        .hub
        .readers()
        .await?
        .into_iter()
        .map(|info| {
            let ReaderRow { name, acknowledged, filter, updated } = info.row;
            Reader {
                reader: name,
                position: gateway.hub.position(acknowledged),
                patterns: filter.patterns().to_vec(),
                types: filter.types().to_vec(),
                connected: info.connected,
                lag: info.lag,
                lag_is_exact: info.lag_is_exact,
                updated,
            }
        })
        .collect();
    Ok(Json(Readers { total: readers.len(), readers }).into_response())
}

/// Acknowledges everything up to a position for a reader.
#[utoipa::path(
    post,
    path = "/api/readers/{name}/ack",
    operation_id = "acknowledge",
    tag = "readers",
    params(
        ("name" = String, Path, description = "The reader's name"),
    ),
    request_body(content = Acknowledgement, content_type = "application/json"),
    responses(
        (status = 200, description = "The reader as it is then", body = ReaderAnswer),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn acknowledge(
    State(gateway): State<Gateway>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let name = name_in_path(&name)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, request.into_body(), BODY_LEN_MAX).await?;
    let body: Acknowledgement = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(
            Code::InvalidJson,
            format!("the body is no acknowledgement: {error}"),
            "send `{\"position\": \"k3f9x2ab-1042\"}`",
        )
    })?;
    let position: Position = body.position.parse().map_err(|error: Invalid| error.at("/position"))?;
    let row = gateway.hub.acknowledge(&name, position).await?;
    let position = Some(gateway.hub.position(row.acknowledged));
    Ok(Json(ReaderAnswer { status: "success", reader: row.name, position }).into_response())
}

/// Forgets a reader.
#[utoipa::path(
    delete,
    path = "/api/readers/{name}",
    operation_id = "forgetReader",
    tag = "readers",
    params(
        ("name" = String, Path, description = "The reader's name"),
    ),
    responses(
        (status = 200, description = "It is forgotten", body = ReaderAnswer),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn remove(State(gateway): State<Gateway>, Path(name): Path<String>) -> Result<Response, Problem> {
    let name = name_in_path(&name)?;
    if !gateway.hub.remove_reader(&name).await? {
        return Err(Problem::not_found(format_args!("reader `{name}`")));
    }
    Ok(Json(ReaderAnswer { status: "success", reader: name, position: None }).into_response())
}

fn name_in_path(name: &str) -> Result<ReaderName, Problem> {
    name.parse().map_err(|error: Invalid| error.at("path").into())
}
