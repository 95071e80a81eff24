//! `GET /api/webhooks/{id}`: what a webhook wants, and how it fares.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::WebhookId;
use fanfare_core::{Position, Timestamp};
use fanfare_webhook::options::Options;
use fanfare_webhook::pause::State as Sending;
use serde::Serialize;

use crate::http::Gateway;
use crate::http::webhooks::id_in_path;
use crate::problem::{Problem, ProblemBody};
use fanfare_delivery::attempt::Attempt;
use fanfare_delivery::registry::Entry;
use fanfare_delivery::tally::{Ended, Tally};
use fanfare_delivery::values::DeliveryCounts;
use fanfare_runtime::clock;

/// A webhook with what it wants and how it fares.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Webhook)]
pub struct Details {
    /// Its id.
    #[schema(value_type = String)]
    id: WebhookId,
    /// Where it is called, as it was given.
    webhook_url: Box<str>,
    /// `active` or `paused`.
    state: &'static str,
    /// `ok`, `failing`, `held` (it failed so often that it is only tried now and then) or `paused`.
    health: &'static str,
    /// Why it is paused: `by_hand`, `failing` or `gone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<&'static str>,
    /// Since when it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    paused_since: Option<Timestamp>,
    /// While it is `held` because it failed: when the next attempt is let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    held_until: Option<Timestamp>,
    /// Everything up to here was delivered, waits, or was given up.
    #[schema(value_type = String)]
    position: Position,
    /// How many events of all kinds come after that.
    behind: u64,
    /// How many events that it wants come after that, up to 10,000; only of a single webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<u64>,
    /// Whether all of them were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_is_exact: Option<bool>,
    /// Deliveries that wait for their next attempt.
    waiting: u64,
    /// Deliveries that were given up.
    dead: u64,
    /// Failures since the last success.
    failures: u32,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    failing_since: Option<Timestamp>,
    /// When it last answered with 2xx.
    #[schema(value_type = Option<String>)]
    last_success: Option<Timestamp>,
    /// When it last did not.
    #[schema(value_type = Option<String>)]
    last_failure: Option<Timestamp>,
    /// What that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure_category: Option<Box<str>>,
    /// Retention removed events up to here before they were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    lost_up_to: Option<Position>,
    /// How the newest attempts ended, the newest first; forgotten when the gateway stops.
    recent: Vec<Outcome>,
    /// How its attempts ended, without those that somebody asked for; counted since the gateway started.
    ended: EndedShown,
    /// What `v1a` signatures are verified with: `whpk_…`.
    public_key: String,
    /// Until when each earlier secret still signs, the newest first.
    #[schema(value_type = Vec<String>)]
    earlier_secrets_until: Vec<Timestamp>,
    /// When it was registered.
    #[schema(value_type = String)]
    created: Timestamp,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    options: Options,
}

/// How attempts ended, each as a pair: how many were answered with 2xx, and how many were not.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Ended)]
pub struct EndedShown {
    /// In the last 24 hours.
    #[schema(value_type = Vec<u32>)]
    day: Ended,
    /// In each minute of the last hour, the oldest first; empty when there was none.
    #[schema(value_type = Vec<Vec<u32>>)]
    hour: Vec<Ended>,
}

impl EndedShown {
    fn of(entry: &Entry, now: Timestamp) -> EndedShown {
        let look = |tally: &Tally| (tally.day(now), tally.hour(now));
        let (day, mut hour) = entry.look_at_tally(look).unwrap_or_default();
        if hour.iter().all(|minute| *minute == Ended::default()) {
            hour.clear();
        }
        EndedShown { day, hour }
    }
}

/// How an attempt ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Outcome {
    /// When it began.
    #[schema(value_type = String)]
    at: Timestamp,
    /// `delivered`, or why not.
    category: &'static str,
    /// How long it took, in microseconds.
    total_us: u64,
}

impl From<&Arc<Attempt>> for Outcome {
    fn from(attempt: &Arc<Attempt>) -> Outcome {
        Outcome { at: attempt.at, category: attempt.outcome.category(), total_us: attempt.times.total_us }
    }
}

impl Details {
    /// Describes a webhook; `counts` has what waits.
    pub fn of(gateway: &Gateway, entry: &Entry, counts: &HashMap<WebhookId, DeliveryCounts>) -> Details {
        let (webhook, health) = (entry.webhook(), entry.health());
        let (state, reason, paused_since) = match health.state {
            Sending::Active => ("active", None, None),
            Sending::Paused { reason, since } => ("paused", Some(reason), Some(since)),
        };
        let counts = counts.get(&webhook.id);
        let (position, now) = (entry.cursor.get(), clock::now());
        let earlier = webhook.keys.secrets.previous().iter().map(|previous| previous.valid_until);
        Details {
            id: webhook.id.clone(),
            webhook_url: webhook.url.as_given().into(),
            state,
            health: match (health.is_paused(), entry.is_held(), health.failing.failures) {
                (true, _, _) => "paused",
                (false, true, _) => "held",
                (false, false, 0) => "ok",
                (false, false, _) => "failing",
            },
            reason: reason.map(|reason| reason.as_str()),
            explained: reason.map(|reason| reason.explained()),
            paused_since,
            held_until: entry.held_until().filter(|until| !health.is_paused() && *until > now),
            position: gateway.hub.position(position),
            behind: gateway.hub.extent().last.saturating_sub(position),
            lag: None,
            lag_is_exact: None,
            waiting: counts.map_or(0, |counts| counts.waiting),
            dead: counts.map_or(0, |counts| counts.dead),
            failures: health.failing.failures,
            failing_since: health.failing.since,
            last_success: health.last_success,
            last_failure: health.last_failure.as_ref().map(|(at, _)| *at),
            last_failure_category: health.last_failure.map(|(_, category)| category),
            lost_up_to: health.lost_up_to.map(|seq| gateway.hub.position(seq)),
            recent: entry.recent().iter().map(Outcome::from).collect(),
            ended: EndedShown::of(entry, now),
            public_key: webhook.keys.ed25519.current().verifying().to_string(),
            earlier_secrets_until: earlier.filter(|until| *until > now).collect(),
            created: webhook.created,
            options: webhook.options.clone(),
        }
    }
}

/// Answers with a webhook as it is.
pub(super) async fn answer(gateway: &Gateway, entry: &Entry) -> Result<Response, Problem> {
    let counts = gateway.webhooks.delivery_counts().await?;
    let details = Details::of(gateway, entry, &counts);
    let webhook = entry.webhook();
    let (lag, is_exact) = gateway.hub.lag(details.position.seq, &webhook.options.filter).await?;
    Ok(Json(Details { lag: Some(lag), lag_is_exact: Some(is_exact), ..details }).into_response())
}

/// Gives one webhook.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}",
    operation_id = "showWebhook",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "The webhook", body = Details),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn show(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Problem> {
    let entry = gateway.webhooks.find(&id_in_path(&id)?)?;
    answer(&gateway, &entry).await
}
