//! Webhooks: `POST /api/register`, `POST /api/unregister`, `GET /api/webhooks`.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::Timestamp;
use fanfare_core::webhook::WebhookId;
use fanfare_core::webhook::options::Options;
use fanfare_core::webhook::patch::Registration;
use fanfare_core::webhook::pause::State as Sending;
use fanfare_core::webhook::url::WebhookUrl;
use fanfare_core::{Code, Position};
use serde::{Deserialize, Serialize};

use crate::doorway::body::{self, BODY_LEN_MAX};
use crate::http::Gateway;
use crate::http::error::{Problem, ProblemBody};
use crate::http::query::Params;
use crate::webhooks::registry::Entry;
use crate::webhooks::service::Refused;

/// What became of a registration.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Registered {
    /// `success`.
    status: &'static str,
    /// The address, as it was given.
    webhook_url: Box<str>,
    /// How many webhooks are registered.
    total_webhooks: usize,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    id: Option<WebhookId>,
    /// What its deliveries are signed with; shown once, when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// Every webhook.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Listed {
    /// Their addresses; with `details=true`, objects.
    #[schema(value_type = Vec<String>)]
    webhooks: Vec<Shown>,
    /// How many.
    total: usize,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown {
    Address(Box<str>),
    Details(Box<Details>),
}

/// A webhook with what it wants and how it fares.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Details {
    #[schema(value_type = String)]
    id: WebhookId,
    webhook_url: Box<str>,
    /// `active` or `paused`.
    state: &'static str,
    /// Why it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Everything up to here was delivered, or is being tried again.
    #[schema(value_type = String)]
    position: Position,
    /// Failures since the last success.
    failures: u32,
    #[schema(value_type = Option<String>)]
    last_success: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    last_failure: Option<Timestamp>,
    #[schema(value_type = String)]
    created: Timestamp,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    options: Options,
}

/// Which webhook to forget.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unregistration {
    /// The address.
    webhook_url: String,
}

/// Registers a webhook; again, it changes what it wants.
#[utoipa::path(
    post,
    path = "/api/register",
    operation_id = "registerWebhook",
    tag = "webhooks",
    request_body(content((Unregistration = "application/json")), description = "The address, and what it wants"),
    responses(
        (status = 200, description = "Registered", body = Registered),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn register(State(gateway): State<Gateway>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Params::of(&parts.uri).finish()?;
    let (bytes, _in_flight) = body::read(&gateway.hub, body, BODY_LEN_MAX).await?;
    let registration = Registration::parse(&bytes)?;
    let webhook_url = registration.url.as_given().into();
    let registered = gateway.webhooks.register(registration).await?;
    let webhook = registered.entry.webhook();
    let answer = Registered {
        status: "success",
        webhook_url,
        total_webhooks: gateway.webhooks.count(),
        id: Some(webhook.id.clone()),
        secret: registered.is_new.then(|| webhook.keys.secrets.current().reveal().to_owned()),
    };
    Ok(Json(answer).into_response())
}

/// Forgets a webhook.
#[utoipa::path(
    post,
    path = "/api/unregister",
    operation_id = "unregisterWebhook",
    tag = "webhooks",
    request_body(content((Unregistration = "application/json")), description = "The address"),
    responses(
        (status = 200, description = "It is not registered (any more)", body = Registered),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn unregister(State(gateway): State<Gateway>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Params::of(&parts.uri).finish()?;
    let (bytes, _in_flight) = body::read(&gateway.hub, body, BODY_LEN_MAX).await?;
    let asked: Unregistration = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(
            Code::InvalidJson,
            format!("the body is no unregistration: {error}"),
            "send `{\"webhook_url\": \"http://…\"}`",
        )
    })?;
    let url: WebhookUrl =
        asked.webhook_url.parse().map_err(|error: fanfare_core::Invalid| error.at("/webhook_url"))?;
    gateway.webhooks.unregister(&url).await?;
    let answer = Registered {
        status: "success",
        webhook_url: url.as_given().into(),
        total_webhooks: gateway.webhooks.count(),
        id: None,
        secret: None,
    };
    Ok(Json(answer).into_response())
}

/// Lists the webhooks.
#[utoipa::path(
    get,
    path = "/api/webhooks",
    operation_id = "listWebhooks",
    tag = "webhooks",
    params(("details" = Option<bool>, Query, description = "Objects instead of addresses")),
    responses(
        (status = 200, description = "The webhooks, the oldest first", body = Listed),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn list(State(gateway): State<Gateway>, request: Request) -> Result<Response, Problem> {
    let mut params = Params::of(request.uri());
    let has_details = params.switch("details")?;
    params.finish()?;
    let show = |entry: &std::sync::Arc<Entry>| match has_details {
        true => Shown::Details(Box::new(details(&gateway, entry))),
        false => Shown::Address(entry.webhook().url.as_given().into()),
    };
    let webhooks: Vec<Shown> = gateway.webhooks.list().iter().map(show).collect();
    Ok(Json(Listed { total: webhooks.len(), webhooks }).into_response())
}

fn details(gateway: &Gateway, entry: &Entry) -> Details {
    let (webhook, health) = (entry.webhook(), entry.health());
    let (state, reason) = match health.state {
        Sending::Active => ("active", None),
        Sending::Paused { reason, .. } => ("paused", Some(reason.as_str())),
    };
    Details {
        id: webhook.id.clone(),
        webhook_url: webhook.url.as_given().into(),
        state,
        reason,
        position: gateway.hub.position(entry.cursor.get()),
        failures: health.failing.failures,
        last_success: health.last_success,
        last_failure: health.last_failure.map(|(at, _)| at),
        created: webhook.created,
        options: webhook.options.clone(),
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        match refused {
            Refused::Invalid(invalid) => invalid.into(),
            Refused::Store(error) => error.into(),
        }
    }
}
