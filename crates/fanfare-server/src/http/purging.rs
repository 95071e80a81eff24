//! Purging: erases events that must no longer be readable from the log.

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::purging::{Purged, PurgedChannel, RedactedEvent};
use fanfare_api::values;
use fanfare_core::{Channel, Position, Principal};

use crate::http::{Gateway, history, path};
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_hub::values::{Purge, Purged as Counts};

/// Purges a channel: its events lose their content, and its name is free. Events keep their positions; clients that
/// read past them get a gap.
#[utoipa::path(
    delete,
    path = "/api/channels/{name}",
    operation_id = "purgeChannel",
    tag = "overview",
    params(
        ("name" = values::Channel, Path, description = "The name of the channel"),
    ),
    responses(
        (status = 200, description = "What was removed", body = PurgedChannel),
    ),
)]
pub async fn purge_channel(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name: Channel = path::named(&name, "{name}")?;
    match gateway.webhooks.purge(&by, &Purge::Channel(name.clone())).await? {
        Some(purged) => Ok(Json(PurgedChannel { name, removed: removed(purged) }).into_response()),
        None => {
            let fix = "`GET /api/channels` lists the channels that have events";
            Err(Problem::not_found(format_args!("channel `{name}`"), fix).at("{name}"))
        }
    }
}

/// Redacts an event: it loses its content and keeps its position. Clients that read past it get a gap.
#[utoipa::path(
    delete,
    path = "/api/events/{id}",
    operation_id = "redactEvent",
    tag = "history",
    params(
        ("id" = values::Position, Path, description = "The event's position"),
    ),
    responses(
        (status = 200, description = "What was removed", body = RedactedEvent),
    ),
)]
pub async fn redact_event(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: Position = path::named(&id, "{id}")?;
    match gateway.webhooks.purge(&by, &Purge::Event(id)).await? {
        Some(purged) => Ok(Json(RedactedEvent { id, removed: removed(purged) }).into_response()),
        None => Err(history::not_kept(&gateway.hub, id)),
    }
}

fn removed(counts: Counts) -> Purged {
    let Counts { events, deliveries, attempts, has_remains, .. } = counts;
    Purged { events, deliveries, attempts, erased: !has_remains }
}
