//! Changing a webhook: `PATCH` and `DELETE /api/webhooks/{id}`, pausing, resuming, rotating its keys.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::WebhookId;
use fanfare_core::{Code, Invalid, Timestamp, duration};
use fanfare_webhook::patch::Change;
use fanfare_webhook::rotation::OVERLAP_DEFAULT;
use serde::{Deserialize, Serialize};

use crate::http::Gateway;
use crate::http::webhooks::details::{self, Details};
use crate::http::webhooks::{Registered, id_in_path};
use crate::net::body::{self, BODY_LEN_MAX};
use crate::problem::{Problem, ProblemBody};
use fanfare_delivery::changing::NewKey;
use fanfare_runtime::clock;

/// What is to be rotated, and how.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationInput {
    /// `secret` (default) for `v1`, or `ed25519` for `v1a`.
    key: Option<String>,
    /// How long the old one signs beside the new one: default `24h`, at most `7d`; with `0s`, it and all before it
    /// stop at once.
    overlap: Option<String>,
    /// The new secret, `whsec_…`; a random one is made when there is none.
    secret: Option<String>,
}

/// A new key.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Rotated {
    /// `success`.
    status: &'static str,
    /// The webhook's id.
    #[schema(value_type = String)]
    id: WebhookId,
    /// The new secret; shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The new public key, `whpk_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    /// Until when the old one signs, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    old_until: Option<Timestamp>,
}

/// Changes what a webhook wants, or where it is called. A member that is left out changes nothing.
#[utoipa::path(
    patch,
    path = "/api/webhooks/{id}",
    operation_id = "changeWebhook",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
    ),
    request_body(content((serde_json::Value = "application/json")), description = "What is to change: the members of a registration, without `secret`, `after` and `since`; `null` puts back the default"),
    responses(
        (status = 200, description = "The webhook as it is then", body = Details),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn change(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, request.into_body(), BODY_LEN_MAX).await?;
    let entry = gateway.webhooks.change(&id, Change::parse(&bytes)?).await?;
    details::answer(&gateway, &entry).await
}

/// Forgets a webhook, with what waits for it.
#[utoipa::path(
    delete,
    path = "/api/webhooks/{id}",
    operation_id = "forgetWebhook",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
    ),
    responses(
        (status = 200, description = "It is forgotten", body = Registered),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn remove(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let webhook = gateway.webhooks.find(&id)?.webhook();
    if !gateway.webhooks.remove(&id).await? {
        return Err(Problem::not_found(format_args!("webhook `{id}`")));
    }
    let answer = Registered {
        status: "success",
        webhook_url: webhook.url.as_given().into(),
        total_webhooks: gateway.webhooks.count(),
        id: Some(id),
        secret: None,
    };
    Ok(Json(answer).into_response())
}

/// Sends nothing to a webhook until it is resumed; events are kept for it as long as the log keeps them.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/pause",
    operation_id = "pauseWebhook",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
    ),
    responses(
        (status = 200, description = "The webhook as it is then", body = Details),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn pause(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Problem> {
    let entry = gateway.webhooks.pause(&id_in_path(&id)?).await?;
    details::answer(&gateway, &entry).await
}

/// Sends to a webhook again, from where it stopped, as if it had not failed before.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/resume",
    operation_id = "resumeWebhook",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
    ),
    responses(
        (status = 200, description = "The webhook as it is then", body = Details),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn resume(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Problem> {
    let entry = gateway.webhooks.resume(&id_in_path(&id)?).await?;
    details::answer(&gateway, &entry).await
}

/// Puts a new key in the place of one; the old one signs beside it for a while.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/secret/rotate",
    operation_id = "rotateWebhookSecret",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
    ),
    request_body(content((RotationInput = "application/json")), description = "Nothing, or how"),
    responses(
        (status = 200, description = "The new key", body = Rotated),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn rotate(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, request.into_body(), BODY_LEN_MAX).await?;
    let input: RotationInput = match bytes.is_empty() {
        true => RotationInput::default(),
        // What stands in the body may be a secret: the error does not repeat it.
        false => serde_json::from_slice(&bytes).map_err(|_| {
            Problem::new(
                Code::InvalidJson,
                "the body is no rotation",
                "send `{}`, or an object with `key`, `overlap` or `secret`, each of them text",
            )
        })?,
    };
    let overlap = input.overlap.as_deref().map(duration::parse).transpose();
    let overlap = overlap.map_err(|error| error.at("/overlap"))?.unwrap_or(OVERLAP_DEFAULT);
    let secret = input.secret.map(|text| text.parse()).transpose();
    let secret = secret.map_err(|error: Invalid| error.at("/secret"))?;
    let key = match (input.key.as_deref(), secret) {
        (None | Some("secret"), secret) => NewKey::Secret(secret),
        (Some("ed25519"), None) => NewKey::Ed25519,
        (Some("ed25519"), Some(_)) => {
            return Err(Problem::new(
                Code::InvalidWebhook,
                "an ed25519 pair is made here, and no secret",
                "leave `secret` out",
            )
            .at("/secret"));
        }
        (Some(_), _) => {
            return Err(Problem::new(
                Code::InvalidWebhook,
                "`key` is no kind of key",
                "write `secret` or `ed25519`",
            )
            .at("/key"));
        }
    };
    let is_secret = matches!(key, NewKey::Secret(_));
    let entry = gateway.webhooks.rotate(&id, key, overlap).await?;
    let keys = &entry.webhook().keys;
    let now = clock::now();
    let old = match is_secret {
        true => keys.secrets.previous().first().map(|previous| previous.valid_until),
        false => keys.ed25519.previous().first().map(|previous| previous.valid_until),
    };
    let answer = Rotated {
        status: "success",
        id,
        secret: is_secret.then(|| keys.secrets.current().reveal().to_owned()),
        public_key: (!is_secret).then(|| keys.ed25519.current().verifying().to_string()),
        old_until: old.filter(|until| *until > now),
    };
    Ok(Json(answer).into_response())
}
