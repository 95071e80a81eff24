//! The statistics of a webhook: `GET /api/webhooks/{id}/stats`.

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::webhooks::stats::{AttemptBucket, AttemptCounts, WebhookStats};
use fanfare_api::{query, values};
use fanfare_core::{Code, Invalid, Principal};

use crate::http::Gateway;
use crate::http::query::Params;
use crate::http::webhooks::id_in_path;
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_delivery::stats::Width;
use fanfare_delivery::tally::Outcomes;

/// Returns the results of the attempts at one webhook since the gateway started, and how long they took.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}/stats",
    operation_id = "showWebhookStats",
    tag = "webhooks",
    params(
        ("id" = values::WebhookId, Path, description = "The webhook's id"),
        query::WebhookStats,
    ),
    responses(
        (status = 200, description = "The statistics", body = WebhookStats),
    ),
)]
pub async fn show(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let mut params = Params::of(request.uri());
    let width = params.read("bucket", |value| {
        Width::from_name(value).ok_or_else(|| {
            let fix = "write `bucket=1m` for the last hour, or `bucket=1h` for the last day";
            Invalid::new(Code::InvalidQuery, "`bucket` must be `1m` or `1h`", fix)
        })
    })?;
    params.finish(&gateway.foreign)?;
    let width = width.unwrap_or_default();
    let stats = gateway.webhooks.stats(&by, &id, width)?;
    let buckets = stats
        .buckets
        .iter()
        .map(|bucket| AttemptBucket { started_at: bucket.start, counts: counts(bucket.outcomes) });
    let shown = WebhookStats {
        webhook_id: id,
        day: counts(stats.day),
        bucket: width.as_str().to_owned(),
        buckets: buckets.collect(),
        p50_us: stats.percentile_us(50),
        p95_us: stats.percentile_us(95),
        last_attempt_at: stats.last_attempt,
    };
    Ok(Json(shown).into_response())
}

fn counts(Outcomes { delivered, failed }: Outcomes) -> AttemptCounts {
    AttemptCounts { delivered, failed }
}
