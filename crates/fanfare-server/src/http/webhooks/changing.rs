//! Changing a webhook: `PATCH` and `DELETE /api/webhooks/{id}`, pausing, resuming, rotating its keys.

use std::time::Duration;

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::hidden::Hidden;
use fanfare_api::problem;
use fanfare_api::values;
use fanfare_api::webhooks::registration;
use fanfare_api::webhooks::secrets::{Rotated, Rotation};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_core::members::Members;
use fanfare_core::{Caller, Code, Principal};
use fanfare_webhook::patch::Change;
use fanfare_webhook::rotation::{OVERLAP_DEFAULT, OVERLAP_MAX};
use fanfare_webhook::secret::Secret;
use http::HeaderMap;

use crate::http::Gateway;
use crate::http::etag;
use crate::http::webhooks::details;
use crate::http::webhooks::id_in_path;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::net::json::Json;
use crate::net::locality::Locality;
use crate::problem::Problem;
use fanfare_delivery::changing::NewKey;
use fanfare_delivery::missing::Missing;
use fanfare_delivery::service::WebhookError;
use fanfare_hub::lag::LagPages;
use fanfare_runtime::clock;

/// Changes a webhook's settings or URL. Omitted members are left unchanged. With `If-Match`, a webhook that was changed
/// in the meantime is left as it is.
#[utoipa::path(
    patch,
    path = "/api/webhooks/{id}",
    operation_id = "changeWebhook",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the state to change, or `*`"),
    ),
    request_body(content((registration::Change = "application/json")), description = "The members to change: those of a registration except `secret`, `after` and `since`; `null` restores the default"),
    responses(
        (status = 200, description = "The updated webhook", body = Webhook, headers(("ETag" = String, description = "The revision of its settings"))),
        (status = 412, description = "The webhook has changed since the state that `If-Match` names; nothing was done", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(locality): Extension<Locality>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let expected = etag::expected(request.headers())?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let entry = gateway.webhooks.change(&by, locality.mode(), &id, Change::parse(&bytes)?, &expected).await?;
    details::answer(&gateway, &by, &entry).await
}

/// Deletes a webhook and its waiting deliveries.
#[utoipa::path(
    delete,
    path = "/api/webhooks/{id}",
    operation_id = "forgetWebhook",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the state to change, or `*`"),
    ),
    responses(
        (status = 200, description = "The webhook as it was", body = Webhook),
        (status = 412, description = "The webhook has changed since the state that `If-Match` names; nothing was done", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let expected = etag::expected(&headers)?;
    let entry = gateway.webhooks.find(&by, &id)?;
    // Without a look at the log: what is damaged there must not keep a webhook.
    let counts = gateway.webhooks.delivery_counts(&by).await?;
    let webhook = details::of(&gateway, &by, &entry, &counts, &mut LagPages::none()).await?;
    if !gateway.webhooks.remove(&by, &id, &expected).await? {
        return Err(WebhookError::NotFound(Missing::Webhook(id)).into());
    }
    Ok(Json(webhook).into_response())
}

/// Pauses a webhook until it is resumed; its events wait for as long as the log keeps them.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/pause",
    operation_id = "pauseWebhook",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the state to change, or `*`"),
    ),
    responses(
        (status = 200, description = "The updated webhook", body = Webhook, headers(("ETag" = String, description = "The revision of its settings"))),
        (status = 412, description = "The webhook has changed since the state that `If-Match` names; nothing was done", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn pause(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (id, expected) = (id_in_path(&id)?, etag::expected(&headers)?);
    let entry = gateway.webhooks.pause(&by, &id, &expected).await?;
    details::answer(&gateway, &by, &entry).await
}

/// Resumes a webhook from where it stopped, with its failure count reset.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/resume",
    operation_id = "resumeWebhook",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the state to change, or `*`"),
    ),
    responses(
        (status = 200, description = "The updated webhook", body = Webhook, headers(("ETag" = String, description = "The revision of its settings"))),
        (status = 412, description = "The webhook has changed since the state that `If-Match` names; nothing was done", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn resume(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (id, expected) = (id_in_path(&id)?, etag::expected(&headers)?);
    let entry = gateway.webhooks.resume(&by, &id, &expected).await?;
    details::answer(&gateway, &by, &entry).await
}

/// Rotates a signing key; the old key keeps signing alongside the new one for a while.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/secret/rotate",
    operation_id = "rotateWebhookSecret",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the state to change, or `*`"),
    ),
    request_body(content((Rotation = "application/json")), description = "Empty, or the rotation options"),
    responses(
        (status = 200, description = "The new key", body = Rotated, headers(("ETag" = String, description = "The revision of its settings"))),
        (status = 412, description = "The webhook has changed since the state that `If-Match` names; nothing was done", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn rotate(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(locality): Extension<Locality>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    const FIX: &str = "send `{}`, or an object with `kind`, `overlap` or `secret`";
    let id = id_in_path(&id)?;
    let expected = etag::expected(request.headers())?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, request.into_body(), BODY_LEN_MAX).await?;
    let mut members = Members::parse_or_none(&bytes, Code::InvalidWebhook, FIX)?;
    let kind = members.text("kind")?.flatten();
    let overlap =
        members.duration("overlap", &(Duration::ZERO..=OVERLAP_MAX))?.flatten().unwrap_or(OVERLAP_DEFAULT);
    let secret = members.parsed("secret", Secret::any)?.flatten();
    members.finish()?;
    let key = match (kind.as_deref(), secret) {
        (None | Some("secret"), secret) => NewKey::Secret(secret),
        (Some("ed25519"), None) => NewKey::Ed25519,
        (Some("ed25519"), Some(_)) => {
            return Err(Problem::new(
                Code::InvalidWebhook,
                "an ed25519 pair is generated by the gateway; it takes no `secret`",
                "leave `secret` out",
            )
            .at("/secret"));
        }
        (Some(_), _) => {
            return Err(Problem::new(
                Code::InvalidWebhook,
                "`kind` is not a known kind of key",
                "write `secret` or `ed25519`",
            )
            .at("/kind"));
        }
    };
    let is_secret = matches!(key, NewKey::Secret(_));
    let entry = gateway.webhooks.rotate(&by, locality.mode(), &id, key, overlap, &expected).await?;
    let webhook = entry.webhook();
    let keys = &webhook.keys;
    let now = clock::now();
    let old = match is_secret {
        true => keys.secrets.previous().first().map(|previous| previous.valid_until),
        false => keys.ed25519.previous().first().map(|previous| previous.valid_until),
    };
    let answer = Rotated {
        id,
        secret: is_secret.then(|| Hidden(keys.secrets.current().reveal().to_owned())),
        public_key: (!is_secret).then(|| keys.ed25519.current().verifying().to_string()),
        previous_until: old.filter(|until| *until > now),
    };
    Ok((etag::header(webhook.revision), Json(answer)).into_response())
}
