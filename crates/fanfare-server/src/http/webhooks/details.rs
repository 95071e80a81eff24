//! `GET /api/webhooks/{id}`: the settings and the health of a webhook.

use std::collections::HashMap;

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::values;
use fanfare_api::webhooks::credentials::{Auth, Basic, BasicAuth, Bearer, BearerAuth};
use fanfare_api::webhooks::webhook::{Batch, Wants, Webhook};
use fanfare_api::words::SignatureKind;
use fanfare_core::{Principal, WebhookId, duration};
use fanfare_webhook::auth::Auth as Sent;
use fanfare_webhook::authorities::Authorities;
use fanfare_webhook::limits::TIMEOUT_DEFAULT;
use fanfare_webhook::options::{Options, Signatures};
use fanfare_webhook::pause::State as Sending;
use fanfare_webhook::policy::Mode;
use http::{HeaderName, HeaderValue};

use crate::http::Gateway;
use crate::http::etag;
use crate::http::webhooks::id_in_path;
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_delivery::registry::Entry;
use fanfare_delivery::state::State as WebhookState;
use fanfare_delivery::values::DeliveryCounts;
use fanfare_hub::lag::LagPages;
use fanfare_runtime::clock;

/// Describes a webhook; `counts` has the numbers of its deliveries. To count the events that it still has to get, reads
/// `pages` of the log.
pub(super) async fn of(
    gateway: &Gateway,
    by: &Principal,
    entry: &Entry,
    counts: &HashMap<WebhookId, DeliveryCounts>,
    pages: &mut LagPages,
) -> Result<Webhook, Problem> {
    let (webhook, health) = (entry.webhook(), entry.health());
    let state = WebhookState::of(&health, entry.is_held());
    let (paused_reason, paused_since) = match health.state {
        Sending::Active => (None, None),
        Sending::Paused { reason, since } => (Some(reason), Some(since)),
    };
    let counts = counts.get(&webhook.id);
    let (position, now) = (entry.cursor.get(), clock::now());
    let (lag, lag_is_exact) = entry.lag(&gateway.hub, by, pages).await?;
    let earlier = webhook.keys.secrets.previous().iter().map(|previous| previous.valid_until);
    Ok(Webhook {
        id: webhook.id.clone(),
        name: webhook.name.clone(),
        webhook_url: webhook.url.shown().into(),
        state: state.as_str().into(),
        paused_reason: paused_reason.map(|reason| reason.as_str().into()),
        explanation: state.explanation(&health).map(Into::into),
        paused_since,
        // A resume ends the hold at once; the worker that keeps the time of its end hears of it a moment later.
        held_until: entry.held_until().filter(|until| state == WebhookState::Held && *until > now),
        position,
        lag,
        lag_is_exact,
        waiting: counts.map_or(0, |counts| counts.waiting),
        failed: counts.map_or(0, |counts| counts.failed),
        failures: health.failing.failures,
        failing_since: health.failing.since,
        last_success_at: health.last_success,
        last_failure_at: health.last_failure.as_ref().map(|(at, _)| *at),
        last_failure_outcome: health.last_failure.map(|(_, outcome)| (&*outcome).into()),
        lost_up_to: health.lost_up_to,
        public_key: webhook.keys.ed25519.current().verifying().to_string(),
        earlier_secrets_until: earlier.filter(|until| *until > now).collect(),
        locked: gateway.webhooks.mode_of(&webhook) == Mode::Locked,
        warnings: warnings(&webhook.options),
        created_at: webhook.created,
        wants: wants(&webhook.options),
    })
}

/// Returns what to know about the settings of a webhook.
pub(super) fn warnings(options: &Options) -> Vec<Box<str>> {
    options.warnings().into_iter().map(Into::into).collect()
}

/// Describes the settings of a webhook, without secrets.
fn wants(options: &Options) -> Wants {
    let Options { filter, payload, headers, auth, concurrency, rate_per_second, ordered, .. } = options;
    let Options { authorities, insecure_skip_verify, timeout, method, content_type, template, .. } = options;
    let Options { batch, description, retry, signatures, .. } = options;
    Wants {
        channels: filter.patterns().to_vec(),
        types: filter.types().to_vec(),
        min_priority: filter.min_priority().as_str().into(),
        text: filter.text().map(Into::into),
        payload: payload.as_str().into(),
        header_names: headers.names().map(str::to_owned).collect(),
        auth: auth.as_ref().map(|auth| match auth {
            Sent::Basic { username, .. } => {
                Auth::Basic(BasicAuth { kind: Basic::Basic, username: username.clone() })
            }
            Sent::Bearer(_) => Auth::Bearer(BearerAuth { kind: Bearer::Bearer }),
        }),
        concurrency: *concurrency,
        rate_per_second: *rate_per_second,
        ordered: *ordered,
        ca_fingerprints: authorities.as_ref().map_or_else(Vec::new, Authorities::fingerprints),
        insecure_skip_verify: *insecure_skip_verify,
        timeout: duration::show(timeout.unwrap_or(TIMEOUT_DEFAULT)),
        method: method.as_str().into(),
        content_type: content_type.as_ref().map(|content_type| content_type.as_str().into()),
        template: template.as_ref().map(|template| template.as_str().into()),
        batch: batch
            .map(|batch| Batch { max_events: batch.max_events, max_wait: duration::show(batch.max_wait) }),
        description: description.clone(),
        retry: retry.delays().iter().copied().map(duration::show).collect(),
        signatures: kinds(*signatures),
    }
}

fn kinds(signatures: Signatures) -> Vec<SignatureKind> {
    let Signatures { ed25519, hub } = signatures;
    let kinds = [(SignatureKind::V1, true), (SignatureKind::V1a, ed25519), (SignatureKind::Hub, hub)];
    kinds.into_iter().filter(|(_, is_on)| *is_on).map(|(kind, _)| kind).collect()
}

/// Describes the current webhook, and returns its tag.
pub(super) async fn whole(
    gateway: &Gateway,
    by: &Principal,
    entry: &Entry,
) -> Result<([(HeaderName, HeaderValue); 1], Webhook), Problem> {
    // Read before the rest: a tag that is too old costs the client another read, one that is too new costs an update.
    let tag = etag::header(entry.webhook().revision);
    let counts = gateway.webhooks.delivery_counts(by).await?;
    Ok((tag, of(gateway, by, entry, &counts, &mut LagPages::of_one()).await?))
}

/// Responds with the current webhook.
pub(super) async fn answer(gateway: &Gateway, by: &Principal, entry: &Entry) -> Result<Response, Problem> {
    let (tag, webhook) = whole(gateway, by, entry).await?;
    Ok((tag, Json(webhook)).into_response())
}

/// Returns one webhook.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}",
    operation_id = "showWebhook",
    tag = "webhooks",
    params(("id" = values::WebhookId, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "The webhook", body = Webhook, headers(("ETag" = String, description = "The revision of its settings"))),
    ),
)]
pub async fn show(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let entry = gateway.webhooks.find(&by, &id_in_path(&id)?)?;
    answer(&gateway, &by, &entry).await
}
