//! `POST /api/webhooks/{id}/replay`: replays deliveries.

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::values;
use fanfare_api::webhooks::replay::{Replay, Replayed};
use fanfare_core::Code;
use fanfare_core::limits::FILTER_TERMS_MAX;
use fanfare_core::members::Members;
use fanfare_core::{Caller, Principal};

use crate::http::Gateway;
use crate::http::webhooks::id_in_path;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_delivery::selecting::Words;

/// Replays deliveries, at most 10,000 per call.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/replay",
    operation_id = "replayDeliveries",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
    ),
    request_body(content((Replay = "application/json")), description = "Which deliveries to replay"),
    responses(
        (status = 200, description = "The deliveries that are replayed", body = Replayed),
    ),
)]
pub async fn replay(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    const FIX: &str =
        "send `{\"state\": \"failed\"}`, `{\"since\": \"1h\"}` or `{\"event_ids\": [\"k3f9x2ab-1042\"]}`";
    let id = id_in_path(&id)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let mut members = Members::parse(&bytes, Code::InvalidWebhook, FIX)?;
    let words = Words {
        event_ids: members.texts("event_ids")?.flatten(),
        state: members.text("state")?.flatten(),
        since: members.time("since", str::parse)?.flatten(),
        until: members.time("until", str::parse)?.flatten(),
        channels: members.list("channels", FILTER_TERMS_MAX)?.flatten().unwrap_or_default(),
        after: members.text("after")?.flatten(),
        cursor: members.text("cursor")?.flatten(),
    };
    let dry_run = members.truth("dry_run")?.flatten();
    members.finish()?;
    let dry_run = dry_run.ok_or_else(|| {
        let fix = "write `true` to only count the deliveries, `false` to send them";
        Problem::new(Code::InvalidWebhook, "`dry_run` is missing", fix).at("/dry_run")
    })?;
    let selection = gateway.webhooks.select(&by, &id, words).await?;
    let replayed = gateway.webhooks.replay(&by, &id, selection, dry_run).await?;
    let answer = Replayed {
        count: replayed.count,
        waiting: replayed.waiting,
        dry_run,
        next_cursor: replayed.next.map(|next| next.to_string()),
    };
    Ok(Json(answer).into_response())
}
