//! The number of events over time: `GET /api/stats/events`.

use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use fanfare_api::event_stats::{EventBucket, EventCounts, EventStats};
use fanfare_api::query;
use fanfare_core::start::Moment;
use fanfare_core::{Caller, Code, Invalid, Principal, Timestamp, duration};

use crate::http::Gateway;
use crate::http::query::Params;
use crate::http::selection::Selection;
use crate::net::json::Json;
use crate::problem::Problem;
use fanfare_hub::tallying::{Counts, Span};
use fanfare_runtime::clock;

/// Maximum buckets: more than a screen has room for, in a response of 100 KB.
const BUCKETS_MAX: usize = 1_000;

/// Maximum buckets of a width that the gateway chose.
const CHOSEN_MAX: usize = 100;

/// The minimum and the maximum width of a bucket.
const WIDTHS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(365 * 86_400));

/// The widths that the gateway chooses from, in seconds: people read them as parts of minutes, hours and days.
const USUAL_WIDTHS: [u64; 12] =
    [1, 5, 15, 60, 300, 900, 3_600, 3 * 3_600, 12 * 3_600, 86_400, 7 * 86_400, 30 * 86_400];

/// Returns the number of events over time. A request counts a limited part of the log, from the newest event on.
#[utoipa::path(
    get,
    path = "/api/stats/events",
    operation_id = "countEvents",
    tag = "history",
    params(
        query::Filter,
        query::Search,
        query::EventStats,
    ),
    responses(
        (status = 200, description = "The number of events over time", body = EventStats),
    ),
)]
pub async fn show(
    State(gateway): State<Gateway>,
    Extension(by): Extension<Principal>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let hub = &gateway.hub;
    let mut params = Params::of(request.uri());
    let selection = Selection::by_time(&mut params)?;
    let width = params.read("bucket", |text| duration::within(text, &(WIDTHS.0..=WIDTHS.1)))?;
    params.finish(&gateway.foreign)?;
    let now = clock::now();
    let time = |moment| match moment {
        Moment::Ago(duration) => now.before(duration),
        Moment::At(timestamp) => timestamp,
    };
    let (since, until) = selection.times();
    let until = until.map_or(now, time);
    let since = match since {
        Some(moment) => time(moment),
        None => hub.oldest_timestamp(&by).await?.unwrap_or(until),
    };
    let width = width.unwrap_or_else(|| usual_width(since, until));
    let span = Span::new(since, until, width);
    if span.len() > BUCKETS_MAX {
        return Err(too_many(since, until, width).into());
    }
    let (_, read) = selection.locate(hub, &by, 1).await?;
    let tally = hub.tally(&by, &caller, read, span).await?;
    let mut total = Counts::default();
    tally.buckets.iter().for_each(|bucket| total.add(*bucket));
    let buckets = span.starts().zip(tally.buckets);
    let shown = EventStats {
        bucket: duration::show(width),
        buckets: buckets
            .map(|(started_at, found)| EventBucket { started_at, counts: counts(found) })
            .collect(),
        total: counts(total),
        complete: tally.counted_since.is_none(),
        counted_since: tally.counted_since,
    };
    Ok(Json(shown).into_response())
}

/// Returns the smallest usual width of which few buckets cover the time from `since` to `until`.
fn usual_width(since: Timestamp, until: Timestamp) -> Duration {
    let fits = |width: &Duration| Span::new(since, until, *width).len() <= CHOSEN_MAX;
    USUAL_WIDTHS.into_iter().map(Duration::from_secs).find(fits).unwrap_or(WIDTHS.1)
}

fn too_many(since: Timestamp, until: Timestamp, width: Duration) -> Invalid {
    let micros = until.as_micros().saturating_sub(since.as_micros()).max(0).unsigned_abs();
    // One bucket fewer, because the time can begin in the middle of one.
    let least = Duration::from_secs((micros / 1_000_000).div_ceil(BUCKETS_MAX as u64 - 1));
    let what = format!("with buckets of `{}` there are more than {BUCKETS_MAX}", duration::show(width));
    let fix = match least <= WIDTHS.1 {
        true => format!("use `{}` or more, or a later `since`", duration::show(least)),
        false => "use a later `since`".to_owned(),
    };
    Invalid::new(Code::InvalidQuery, what, fix).at("?bucket")
}

fn counts(Counts { events, warnings, errors }: Counts) -> EventCounts {
    EventCounts { events, warnings, errors }
}
