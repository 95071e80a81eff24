//! `POST /api/webhooks/{id}/replay`: deliveries that are made again.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_core::limits::FILTER_TERMS_MAX;
use fanfare_core::start::Moment;
use fanfare_core::{Code, Invalid, Pattern, Position};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::doorway::body::{self, BODY_LEN_MAX};
use crate::http::Gateway;
use crate::http::error::{Problem, ProblemBody};
use crate::http::webhooks::deliveries::seq_in;
use crate::http::webhooks::id_in_path;
use crate::webhooks::replaying::{Range, Selection};

/// Most events that are named one by one: each is looked up by itself.
const IDS_MAX: usize = 1_000;

/// Which deliveries are made again: `ids`, or `failed`, or a part of the log.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayInput {
    /// Those of these events; at most 1,000.
    ids: Option<Vec<String>>,
    /// Those that were given up.
    #[serde(default)]
    failed: bool,
    /// Only events since: `10m` or RFC 3339.
    since: Option<String>,
    /// Only events before: `10m` or RFC 3339.
    until: Option<String>,
    /// Only channels that match one of these.
    #[serde(default)]
    patterns: Vec<String>,
    /// Only events after this position: the `next` of the call before.
    after: Option<String>,
    /// Only count them.
    #[serde(default)]
    dry_run: bool,
}

/// What a replay came to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReplayAnswer {
    /// `success`.
    status: &'static str,
    /// How many deliveries are made again.
    count: usize,
    /// How many of them waited already, and are only made sooner.
    waiting: usize,
    /// Nothing was done: they were only counted.
    dry_run: bool,
    /// There is more: what to give as `after` to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<Position>,
}

/// Makes deliveries again, at most 10,000 in one call.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/replay",
    operation_id = "replayDeliveries",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's id"),
    ),
    request_body(content((ReplayInput = "application/json")), description = "Which"),
    responses(
        (status = 200, description = "What is made again", body = ReplayAnswer),
        (status = "default", description = "Refused; nothing was done", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub async fn replay(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let (bytes, _in_flight) = body::read(&gateway.hub, request.into_body(), BODY_LEN_MAX).await?;
    let input: ReplayInput = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(
            Code::InvalidJson,
            format!("the body does not say what to replay: {error}"),
            "send `{\"failed\": true}`, `{\"since\": \"1h\"}` or `{\"ids\": [\"k3f9x2ab-1042\"]}`",
        )
    })?;
    gateway.webhooks.find(&id)?;
    let dry_run = input.dry_run;
    let selection = selection(&gateway, &id, input).await?;
    let replayed = gateway.webhooks.replay(&id, selection, dry_run).await?;
    let answer = ReplayAnswer {
        status: "success",
        count: replayed.count,
        waiting: replayed.waiting,
        dry_run,
        next: replayed.next.map(|seq| gateway.hub.position(seq)),
    };
    Ok(Json(answer).into_response())
}

async fn selection(
    gateway: &Gateway,
    id: &fanfare_core::webhook::WebhookId,
    input: ReplayInput,
) -> Result<Selection, Problem> {
    let is_range =
        input.since.is_some() || input.until.is_some() || !input.patterns.is_empty() || input.after.is_some();
    if let Some(ids) = input.ids {
        if is_range || input.failed {
            return Err(contradiction("`ids` names the events one by one", "leave the other members out"));
        }
        return events(gateway, id, ids).await.map(Selection::Events);
    }
    if !is_range && !input.failed {
        let what = "nothing says what to replay";
        return Err(contradiction(what, "give `ids`, `failed`, `since`, `until`, `patterns` or `after`"));
    }
    if input.patterns.len() > FILTER_TERMS_MAX {
        let what = format!("`patterns` has {} entries", input.patterns.len());
        let fix = format!("give at most {FILTER_TERMS_MAX}");
        return Err(Problem::new(Code::InvalidWebhook, what, fix).at("/patterns"));
    }
    let pattern = |(index, text): (usize, &String)| {
        text.parse().map_err(|error: Invalid| Problem::from(error.at(format!("/patterns/{index}"))))
    };
    let patterns: Vec<Pattern> = input.patterns.iter().enumerate().map(pattern).collect::<Result<_, _>>()?;
    let now = clock::now();
    let moment = |text: Option<String>, place: &str| -> Result<_, Problem> {
        let moment = text.map(|text| text.parse::<Moment>()).transpose();
        let moment = moment.map_err(|error| error.at(place))?;
        Ok(moment.map(|moment| moment.resolve(now)))
    };
    let after = input.after.map(|text| text.parse()).transpose();
    let after = after.map_err(|error: Invalid| error.at("/after"))?;
    let range = Range {
        after: after.map(|after| seq_in(&gateway.hub, after, "/after")).transpose()?.unwrap_or(0),
        since: moment(input.since, "/since")?,
        until: moment(input.until, "/until")?,
        patterns,
    };
    Ok(if input.failed { Selection::Failed(range) } else { Selection::Log(range) })
}

/// Finds the events that are named; one that is not there is an error, before anything is done.
async fn events(
    gateway: &Gateway,
    id: &fanfare_core::webhook::WebhookId,
    ids: Vec<String>,
) -> Result<Vec<std::sync::Arc<fanfare_core::Event>>, Problem> {
    if !(1..=IDS_MAX).contains(&ids.len()) {
        let what = format!("`ids` has {} entries", ids.len());
        return Err(Problem::new(Code::InvalidWebhook, what, "name 1 to 1000 events").at("/ids"));
    }
    let mut seqs = std::collections::HashSet::new();
    let mut events = Vec::with_capacity(ids.len());
    for (index, text) in ids.into_iter().enumerate() {
        let place = format!("/ids/{index}");
        let position: Position = text.parse().map_err(|error: Invalid| error.at(place.clone()))?;
        seq_in(&gateway.hub, position, &place)?;
        let event = gateway.webhooks.event(id, position).await;
        let event = event.map_err(|refused| Problem::from(refused).at(place))?;
        if seqs.insert(position.seq) {
            events.push(event);
        }
    }
    Ok(events)
}

fn contradiction(what: &str, fix: &str) -> Problem {
    Problem::new(Code::InvalidWebhook, what, fix)
}
