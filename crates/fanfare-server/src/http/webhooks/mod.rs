//! Webhooks: `POST /api/register`, `POST /api/unregister`, `GET /api/webhooks`; the modules have the routes for a
//! single one.

pub mod attempts;
pub mod changing;
pub mod creating;
pub mod deliveries;
pub mod details;
pub mod previewing;
pub mod replaying;
pub mod stats;
pub mod trying;

use axum::extract::{self, Extension, Request};
use axum::response::{IntoResponse, Response};
use fanfare_api::hidden::Hidden;
use fanfare_api::problem;
use fanfare_api::query;
use fanfare_api::webhooks::registration::{self, Registered, Unregistration};
use fanfare_api::webhooks::webhook::WebhookList;
use fanfare_api::words::Success;
use fanfare_core::members::Members;
use fanfare_core::{Caller, Code, Invalid, Principal, WebhookId, WebhookName};
use fanfare_webhook::patch::Registration;
use fanfare_webhook::url::WebhookUrl;

use crate::http::Gateway;
use crate::http::page::Size;
use crate::http::path;
use crate::http::query::Params;
use crate::net::body::{self, BODY_LEN_MAX};
use crate::net::json::Json;
use crate::net::locality::Locality;
use crate::problem::Problem;
use fanfare_delivery::listing::{Place, WebhooksPage};
use fanfare_delivery::registry::Entry;
use fanfare_delivery::state::State;
use fanfare_hub::lag::LagPages;

/// The size of a page: the clients of the seed expect the whole list, which rarely has more.
const SIZE: Size = Size { default: 1_000, max: 1_000 };

/// Reads the id in a path.
fn id_in_path(id: &str) -> Result<WebhookId, Problem> {
    path::named(id, "{id}")
}

/// Registers a webhook, or updates it if the URL is already registered. `changed` lists what that changed.
#[utoipa::path(
    post,
    path = "/api/register",
    operation_id = "registerWebhook",
    tag = "webhooks",
    request_body(content((registration::Registration = "application/json")), description = "The URL and its settings"),
    responses(
        (status = 200, description = "Registered", body = Registered),
        (status = 409, description = "The webhook is registered with another `secret`, or has a position that `since` and `after` do not move; or several webhooks have this URL; nothing was done", body = problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn register(
    extract::State(gateway): extract::State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    Extension(locality): Extension<Locality>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Params::of(&parts.uri).finish(&gateway.foreign)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, body, BODY_LEN_MAX).await?;
    let registration = Registration::parse(&bytes)?;
    let webhook_url = registration.url.shown().into();
    let registered = gateway.webhooks.register(&by, locality.mode(), registration).await?;
    let webhook = registered.entry.webhook();
    let answer = Registered {
        status: Success::Success,
        webhook_url,
        total_webhooks: gateway.webhooks.count(),
        id: Some(webhook.id.clone()),
        name: webhook.name.clone(),
        warnings: details::warnings(&webhook.options),
        secret: registered
            .changed
            .is_none()
            .then(|| Hidden(webhook.keys.secrets.current().reveal().to_owned())),
        changed: registered.changed.map(|members| members.into_iter().map(Into::into).collect()),
    };
    Ok(Json(answer).into_response())
}

/// Deletes a webhook.
#[utoipa::path(
    post,
    path = "/api/unregister",
    operation_id = "unregisterWebhook",
    tag = "webhooks",
    request_body(content((Unregistration = "application/json")), description = "The URL"),
    responses(
        (status = 200, description = "The webhook is no longer registered, or never was", body = Registered),
    ),
)]
pub async fn unregister(
    extract::State(gateway): extract::State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    const FIX: &str = "send `{\"webhook_url\": \"http://…\"}`";
    let (parts, body) = request.into_parts();
    Params::of(&parts.uri).finish(&gateway.foreign)?;
    let (bytes, _in_flight) = body::read(&gateway.budget, &caller, body, BODY_LEN_MAX).await?;
    let mut members = Members::parse(&bytes, Code::InvalidUrl, FIX)?;
    let url: Option<WebhookUrl> = members.parsed("webhook_url", WebhookUrl::parse_whole)?.flatten();
    let name: Option<WebhookName> = members.coded(Code::InvalidWebhook).parsed("name", str::parse)?.flatten();
    members.finish()?;
    let url = url
        .ok_or_else(|| Problem::new(Code::InvalidUrl, "`webhook_url` is missing", FIX).at("/webhook_url"))?;
    gateway.webhooks.unregister(&by, &url, name.as_ref()).await?;
    let answer = Registered {
        status: Success::Success,
        webhook_url: url.shown().into(),
        total_webhooks: gateway.webhooks.count(),
        id: None,
        name: None,
        warnings: Vec::new(),
        changed: None,
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
    params(query::Webhooks),
    responses(
        (status = 200, description = "The webhooks, oldest first", body = WebhookList),
    ),
)]
pub async fn list(
    extract::State(gateway): extract::State<Gateway>,
    Extension(by): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let mut params = Params::of(request.uri());
    let has_details = params.switch("details")?;
    let state = params.read("state", |value| {
        State::from_name(value).ok_or_else(|| {
            let known = State::ALL.map(|state| format!("`{}`", state.as_str()));
            Invalid::new(
                Code::InvalidQuery,
                format!("`state` must be one of {}", known.join(", ")),
                "write `state=failing`, or leave it out for all",
            )
        })
    })?;
    let (limit, after) = (params.limit(SIZE)?, params.cursor::<Place>()?);
    params.finish(&gateway.foreign)?;
    let counts = gateway.webhooks.delivery_counts(&by).await?;
    let is_wanted = |entry: &Entry| state.is_none_or(|state| entry.state() == state);
    let WebhooksPage { webhooks: list, next, total } =
        gateway.webhooks.page(&by, is_wanted, after.as_ref(), limit);
    let next_cursor = next.map(|place| place.to_string());
    let webhooks = list.iter().map(|entry| entry.webhook().url.shown().into()).collect();
    let mut items = has_details.then(Vec::new);
    if let Some(items) = &mut items {
        let mut pages = LagPages::of_list();
        for entry in &list {
            items.push(details::of(&gateway, &by, entry, &counts, &mut pages).await?);
        }
    }
    Ok(Json(WebhookList { webhooks, items, next_cursor, total }).into_response())
}
