//! Webhooks: `POST /api/register`, `POST /api/unregister`, `GET /api/webhooks`; the modules have what is done with one.

pub mod attempts;
pub mod changing;
pub mod deliveries;
pub mod details;
pub mod replaying;
pub mod trying;

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::WebhookId;
use fanfare_core::{Code, Invalid};
use fanfare_webhook::patch::Registration;
use fanfare_webhook::url::WebhookUrl;
use serde::{Deserialize, Serialize};

use crate::http::Gateway;
use crate::http::query::Params;
use crate::http::webhooks::details::Details;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::problem::{Problem, ProblemBody};
use fanfare_delivery::service::Refused;

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

/// Which webhook to forget.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unregistration {
    /// The address.
    webhook_url: String,
}

/// Reads the id in a path.
fn id_in_path(id: &str) -> Result<WebhookId, Problem> {
    id.parse().map_err(|error: Invalid| error.at("path").into())
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        const LATER: Duration = Duration::from_secs(10);
        match refused {
            Refused::Busy => Problem::new(
                Code::RateLimited,
                "as many webhooks as may be are being tested at the moment",
                "wait for some of them to answer",
            )
            .over("webhook_tests", LATER),
            Refused::Invalid(invalid) => invalid.into(),
            Refused::NotFound { what } => Problem::new(
                Code::NotFound,
                format!("there is no {what}"),
                "`GET /api/webhooks?details=true` lists the webhooks with their ids",
            ),
            Refused::Store(error) => error.into(),
        }
    }
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
    let (bytes, _in_flight) = body::read(&gateway.budget, body, BODY_LEN_MAX).await?;
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
    let (bytes, _in_flight) = body::read(&gateway.budget, body, BODY_LEN_MAX).await?;
    let asked: Unregistration = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(
            Code::InvalidJson,
            format!("the body is no unregistration: {error}"),
            "send `{\"webhook_url\": \"http://…\"}`",
        )
    })?;
    let url: WebhookUrl = asked.webhook_url.parse().map_err(|error: Invalid| error.at("/webhook_url"))?;
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
    let counts = gateway.webhooks.delivery_counts().await?;
    let show = |entry: &std::sync::Arc<_>| match has_details {
        true => Shown::Details(Box::new(Details::of(&gateway, entry, &counts))),
        false => Shown::Address(entry.webhook().url.as_given().into()),
    };
    let webhooks: Vec<Shown> = gateway.webhooks.list().iter().map(show).collect();
    Ok(Json(Listed { total: webhooks.len(), webhooks }).into_response())
}
