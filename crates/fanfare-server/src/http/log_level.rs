//! `GET` and `POST /api/log-level`: the level of the server log, for the operator of this machine.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::log_level::{LogChange, LogState};
use fanfare_api::problem;
use fanfare_core::members::Members;
use fanfare_core::{Caller, Code};

use crate::http::Gateway;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::net::json::Json;
use crate::net::locality::Locality;
use crate::problem::Problem;
use fanfare_runtime::log_level::{Level, LogLevel};

/// The word for the level at the start.
const DEFAULT: &str = "default";
const FIX: &str = "send `{\"level\": \"debug\"}`";

/// Shows how much the gateway logs. Only for callers on the gateway's machine.
#[utoipa::path(
    get,
    path = "/api/log-level",
    operation_id = "logLevel",
    tag = "operation",
    responses(
        (status = 200, description = "The level", body = LogState),
        (status = 403, description = "The caller is not on this machine", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(gateway): State<Gateway>,
    Extension(locality): Extension<Locality>,
) -> Result<Response, Problem> {
    Ok(state(log(&gateway, locality)?))
}

/// Sets how much the gateway logs, until it ends. Only for callers on the gateway's machine.
#[utoipa::path(
    post,
    path = "/api/log-level",
    operation_id = "setLogLevel",
    tag = "operation",
    request_body(content = LogChange, content_type = "application/json"),
    responses(
        (status = 200, description = "The new level", body = LogState),
        (status = 403, description = "The caller is not on this machine", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn set(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    Extension(locality): Extension<Locality>,
    request: Request,
) -> Result<Response, Problem> {
    let log = log(&gateway, locality)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let mut members = Members::parse(&bytes, Code::InvalidQuery, FIX)?;
    let level = members.parsed("level", |text| match text {
        DEFAULT => Ok(None),
        name => name.parse::<Level>().map(Some),
    })?;
    members.finish()?;
    let level = level
        .flatten()
        .ok_or_else(|| Problem::new(Code::InvalidQuery, "`level` is missing", FIX).at("/level"))?;
    log.set(level);
    Ok(state(log))
}

/// Returns the handle of the log, for a caller who may have it.
fn log(gateway: &Gateway, locality: Locality) -> Result<&LogLevel, Problem> {
    match locality {
        Locality::Here => gateway.config.log_level.as_ref().ok_or_else(|| {
            let fix = "set the level where that program starts";
            Problem::not_found("log level: this gateway is embedded in another program", fix)
        }),
        Locality::Elsewhere => Err(Problem::new(
            Code::NotLocal,
            "only callers on the gateway's machine can see and set the log level",
            "call it on that machine, at a loopback address and not through a proxy",
        )),
    }
}

fn state(log: &LogLevel) -> Response {
    let (filter, level) = log.now();
    Json(LogState { level: level.map(|level| level.as_str().into()), filter }).into_response()
}
