//! `GET /api/events/{id}/original`: the request that brought an event, for those who send it on.

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fanfare_api::{problem, values};
use fanfare_core::limits::ORIGINAL_LEN_MAX;
use fanfare_core::{Code, Event, Original, Position, Principal};
use http::{HeaderValue, header};

use crate::http::{Gateway, history};
use crate::problem::Problem;

/// The media type of a message of HTTP: no browser shows it.
pub const MEDIA_TYPE: &str = "message/http";

/// Returns the request that brought an event to `/ingest`, as an HTTP/1.1 message (RFC 9112): request line, headers, an
/// empty line, and the body byte for byte.
///
/// The headers do not include credentials, or what concerns the connection. Events that one request brought share the
/// original.
#[utoipa::path(
    get,
    path = "/api/events/{id}/original",
    operation_id = "showOriginal",
    tag = "history",
    params(
        ("id" = values::Position, Path, description = "The event's position"),
    ),
    responses(
        (status = 200, description = "The request", content((String = "message/http"))),
        (status = 404, description = "The event has no original, or it is gone; `detail` says why", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let event = history::find(&gateway.hub, &by, &id).await?;
    let Some(message) = gateway.hub.original(&by, event.position).await? else { return Err(none(&event)) };
    // Whatever a sender wrote must not become a page of this origin.
    let name = format!("attachment; filename=\"{}.http\"", event.position);
    let name = HeaderValue::try_from(name).expect("letters and digits");
    let media_type = HeaderValue::from_static(MEDIA_TYPE);
    let headers = [(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Bytes::from_owner(message)).into_response())
}

/// Returns the problem for an event without an original.
fn none(event: &Event) -> Problem {
    let position = event.position;
    let (what, fix) = match event.original {
        None => (
            format!("event `{position}` has no original, because no request to `/ingest` brought it"),
            "ask for an event that has the member `original`".to_owned(),
        ),
        Some(Original::TooLong) => (
            format!("the request that brought event `{position}` was too long to be kept"),
            format!(
                "requests of at most {} MiB are kept; the event has what was read of it",
                ORIGINAL_LEN_MAX >> 20
            ),
        ),
        Some(Original::With(seq)) => (
            format!("the request that brought event `{position}` is gone"),
            format!(
                "it was kept until retention removed `{}`, or an event that it brought was purged",
                Position { seq, ..position }
            ),
        ),
    };
    Problem::new(Code::NotFound, what, fix).at("{id}")
}
