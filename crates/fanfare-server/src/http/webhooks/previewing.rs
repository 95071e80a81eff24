//! Previews: `POST /api/webhooks/{id}/preview`, and of a registration that is not stored.

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::values;
use fanfare_api::webhooks::preview::{Preview, PreviewRequest};
use fanfare_api::webhooks::sample::TrialRequest;
use fanfare_core::members::Members;
use fanfare_core::{Caller, Code, Invalid, Position, Principal};
use fanfare_webhook::patch::{Patch, Registration};
use fanfare_webhook::sample::Sample;
use fanfare_webhook::template::Template;

use crate::http::Gateway;
use crate::http::webhooks::id_in_path;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_delivery::previewing::{self, Subject};

/// Returns the body that a webhook would send for an event; nothing is sent. The request can try another template.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/preview",
    operation_id = "previewWebhook",
    tag = "webhooks",
    params(("id" = values::WebhookId, Path, description = "The webhook's id")),
    request_body(content((PreviewRequest = "application/json")), description = "Empty, or the event and the template"),
    responses(
        (status = 200, description = "The body", body = Preview),
    ),
)]
pub async fn preview(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let (patch, subject) = read(&bytes)?;
    let preview = gateway.webhooks.preview(&by, &id, patch, subject).await?;
    Ok(Json(described(preview)).into_response())
}

/// Returns the body that a webhook would send if it were registered; nothing is sent or stored.
#[utoipa::path(
    post,
    path = "/api/webhooks/preview",
    operation_id = "previewRegistration",
    tag = "webhooks",
    request_body(content((TrialRequest = "application/json")), description = "The body of a registration. `test` chooses the event"),
    responses(
        (status = 200, description = "The body", body = Preview),
    ),
)]
pub async fn preview_of(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let (registration, sample) = Registration::parse_trial(&bytes)?;
    Ok(Json(described(gateway.webhooks.preview_of(&by, registration, sample).await?)).into_response())
}

fn described(preview: previewing::Preview) -> Preview {
    let previewing::Preview { content_type, body, body_bytes } = preview;
    Preview { content_type, body: String::from_utf8_lossy(&body).into_owned(), body_bytes }
}

/// Parses the settings to try and the event.
fn read(bytes: &[u8]) -> Result<(Patch, Subject), Invalid> {
    const FIX: &str =
        "send an empty body, or an object such as `{\"template\":\"slack\",\"event_id\":\"…\"}`";
    let mut members = Members::parse_or_none(bytes, Code::InvalidWebhook, FIX)?;
    let patch = Patch {
        template: members.parsed("template", Template::parse)?,
        content_type: members.parsed("content_type", str::parse)?,
        ..Patch::default()
    };
    let event: Option<Position> = members.parsed("event_id", str::parse)?.flatten();
    let sample = members.inner("test", Sample::parse)?.flatten();
    let subject = match (event, sample) {
        (Some(_), Some(_)) => {
            return Err(members.wrong("test", "cannot be combined with `event_id`", "give one"));
        }
        (Some(event), None) => Subject::Event(event),
        (None, sample) => Subject::Sample(sample.unwrap_or_default()),
    };
    members.finish()?;
    Ok((patch, subject))
}
