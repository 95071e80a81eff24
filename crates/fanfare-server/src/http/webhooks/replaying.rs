//! `POST /api/webhooks/{id}/replay`: deliveries that are made again.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::{Code, Position};
use serde::{Deserialize, Serialize};

use crate::http::Gateway;
use crate::http::webhooks::id_in_path;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::problem::{Problem, ProblemBody};
use fanfare_delivery::selecting::{Unselected, Words};

/// Which deliveries are made again: `ids`, or `failed`, or a part of the log.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayInput {
    /// Those of these events; at most 1,000.
    ids: Option<Vec<String>>,
    /// Those that were given up.
    #[serde(default)]
    failed: bool,
    /// Only events since: `10m` or RFC 3339.
    since: Option<String>,
    /// Only events before: `10m` or RFC 3339.
    until: Option<String>,
    /// Only channels that match one of these.
    #[serde(default)]
    patterns: Vec<String>,
    /// Only events after this position: the `next` of the call before.
    after: Option<String>,
    /// Only count them.
    #[serde(default)]
    dry_run: bool,
}

/// What a replay came to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReplayAnswer {
    /// `success`.
    status: &'static str,
    /// How many deliveries are made again.
    count: usize,
    /// How many of them waited already, and are only made sooner.
    waiting: usize,
    /// Nothing was done: they were only counted.
    dry_run: bool,
    /// There is more: what to give as `after` to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<Position>,
}

/// Makes deliveries again, at most 10,000 in one call.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/replay",
    operation_id = "replayDeliveries",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
    ),
    request_body(content((ReplayInput = "application/json")), description = "Which"),
    responses(
        (status = 200, description = "What is made again", body = ReplayAnswer),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn replay(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, request.into_body(), BODY_LEN_MAX).await?;
    let input: ReplayInput = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(
            Code::InvalidJson,
            format!("the body does not say what to replay: {error}"),
            "send `{\"failed\": true}`, `{\"since\": \"1h\"}` or `{\"ids\": [\"k3f9x2ab-1042\"]}`",
        )
    })?;
    let dry_run = input.dry_run;
    let selection = gateway.webhooks.select(&id, input.into()).await?;
    let replayed = gateway.webhooks.replay(&id, selection, dry_run).await?;
    let answer = ReplayAnswer {
        status: "success",
        count: replayed.count,
        waiting: replayed.waiting,
        dry_run,
        next: replayed.next.map(|seq| gateway.hub.position(seq)),
    };
    Ok(Json(answer).into_response())
}

impl From<ReplayInput> for Words {
    fn from(input: ReplayInput) -> Words {
        let ReplayInput { ids, failed, since, until, patterns, after, dry_run: _ } = input;
        Words { ids, failed, since, until, patterns, after }
    }
}

impl From<Unselected> for Problem {
    fn from(unselected: Unselected) -> Problem {
        let problem = Problem::from(unselected.refused);
        match unselected.at {
            Some(at) => problem.at(at),
            None => problem,
        }
    }
}
