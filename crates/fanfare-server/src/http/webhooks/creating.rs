//! `POST /api/webhooks`: creates a webhook.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::hidden::Hidden;
use fanfare_api::problem;
use fanfare_api::webhooks::registration;
use fanfare_api::webhooks::webhook::NewWebhook;
use fanfare_core::{Caller, Principal};
use fanfare_webhook::patch::Registration;
use http::{HeaderValue, StatusCode, header};

use crate::http::Gateway;
use crate::http::query::Params;
use crate::http::webhooks::details;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::net::json::Json;
use crate::net::locality::Locality;
use crate::problem::Problem;

/// Creates a webhook. A URL that already has one is refused unless the new one has a name: `PATCH` changes it.
#[utoipa::path(
    post,
    path = "/api/webhooks",
    operation_id = "createWebhook",
    tag = "webhooks",
    request_body(content((registration::Registration = "application/json")), description = "The URL and its settings"),
    responses(
        (
            status = 201,
            description = "The new webhook, with its secret, which is not shown again",
            body = NewWebhook,
            headers(
                ("ETag" = String, description = "The revision of its settings"),
                ("Location" = String, description = "The path of the webhook"),
            ),
        ),
        (status = 409, description = "There is a webhook with this name or, without a name, with this URL: `webhook_id` names it", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn create(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(locality): Extension<Locality>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Params::of(&parts.uri).finish(&gateway.foreign)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, body, BODY_LEN_MAX).await?;
    let entry = gateway.webhooks.create(&by, locality.mode(), Registration::parse(&bytes)?).await?;
    let secret = Hidden(entry.webhook().keys.secrets.current().reveal().to_owned());
    let (tag, webhook) = details::whole(&gateway, &by, &entry).await?;
    let place = HeaderValue::try_from(format!("/api/webhooks/{}", webhook.id))
        .expect("an id has only letters, digits and `_`");
    let place = [(header::LOCATION, place)];
    Ok((StatusCode::CREATED, tag, place, Json(NewWebhook { webhook, secret })).into_response())
}
