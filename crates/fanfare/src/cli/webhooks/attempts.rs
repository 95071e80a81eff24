//! `fanfare webhooks attempts`: shows delivery attempts and their timings.

use clap::builder::PossibleValuesParser;
use fanfare_core::start::Moment;
use fanfare_core::{Invalid, Position, WebhookId};
use jiff::ZonedDateTime;
use serde_json::value::RawValue;

use crate::cli::output::Mode;
use crate::cli::output::style::DIM;
use crate::cli::webhooks::attempt_rows::print;
use crate::cli::webhooks::named::named;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::attempts::Attempt;
use fanfare_api::words::Outcome;
use fanfare_client::Api;
use fanfare_delivery::registry::RECENT_MAX;
use fanfare_store::Retention;

/// Show delivery attempts and their timings
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("The newest 20 attempts", "fanfare webhooks attempts localhost:3000"),
    ("Only failed attempts", "fanfare webhooks attempts localhost:3000 --failed"),
    ("Those of the last hour that timed out",
     "fanfare webhooks attempts localhost:3000 --outcome timeout --since 1h"),
    ("What happened to one event", "fanfare webhooks attempts localhost:3000 --event k3f9x2ab-1042"),
    ("Everything, for a program", "fanfare webhooks attempts localhost:3000 -n 10000 -o ndjson"),
], &note()))]
pub(crate) struct Args {
    /// The webhook: its name, its id, its URL or part of its URL
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    /// Only failed attempts
    #[arg(long, conflicts_with = "delivered")]
    failed: bool,
    /// Only successful attempts
    #[arg(long)]
    delivered: bool,
    /// Only attempts with this status, such as 503
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=599))]
    status_code: Option<u16>,
    /// Only attempts with this outcome, such as timeout or http_5xx
    #[arg(long, value_name = "OUTCOME", value_parser = PossibleValuesParser::new(Outcome::of_attempts()), hide_possible_values = true)]
    outcome: Option<String>,
    /// Only attempts that started since this time: 10m, 2h, 7d or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<String>,
    /// Only attempts that started before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<String>,
    /// Only attempts for this event
    #[arg(long, value_name = "ID")]
    event: Option<Position>,
    /// Show only this many of the newest attempts
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

/// Returns the note below the help.
fn note() -> String {
    format!(
        "By default, failed attempts are kept for {} days; successful ones until the gateway stops, the newest \
         {RECENT_MAX} of each webhook. To see one in full: fanfare deliveries show ATTEMPT, with an id from -o \
         raw.",
        Retention::default().attempts.as_secs() / 86_400
    )
}

/// Maximum attempts per page.
const PAGE_LEN_MAX: usize = 100;

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let webhook = named(api, &args.webhook).await?;
    let delivered = (args.failed || args.delivered).then_some(args.delivered);
    let selection = Selection {
        delivered,
        status_code: args.status_code,
        outcome: args.outcome.clone(),
        since: args.since.clone(),
        until: args.until.clone(),
        event: args.event,
        limit: args.limit as usize,
    };
    let (list, more) = newest(api, &webhook.id, selection).await?;
    let output = context.output;
    match output.mode {
        Mode::Human | Mode::Table if list.is_empty() => output.note(format!("{DIM}no attempts{DIM:#}")),
        Mode::Human | Mode::Table => print(&output, &read_all(&list, api)?, &ZonedDateTime::now())?,
        Mode::Json => {
            let list: Vec<&str> = list.iter().map(|json| json.get()).collect();
            output.line(format!("{{\"attempts\":[{}]}}", list.join(",")))?;
        }
        Mode::Ndjson => list.iter().try_for_each(|json| output.line(json.get()))?,
        Mode::Raw => read_all(&list, api)?.iter().try_for_each(|attempt| output.line(&attempt.id))?,
    }
    if more {
        output.hint(format!("{DIM}for more, use -n {}{DIM:#}", args.limit.saturating_mul(5)));
    }
    Ok(Exit::Ok)
}

/// Selects attempts of a webhook.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Only successful attempts, or only failed ones.
    pub(crate) delivered: Option<bool>,
    /// Only attempts with this status.
    pub(crate) status_code: Option<u16>,
    /// Only attempts with this outcome.
    pub(crate) outcome: Option<String>,
    /// Only attempts that started since then.
    pub(crate) since: Option<String>,
    /// Only attempts that started before then.
    pub(crate) until: Option<String>,
    /// Only attempts for this event.
    pub(crate) event: Option<Position>,
    /// Maximum number of attempts.
    pub(crate) limit: usize,
}

/// Returns the newest attempts, as unchanged JSON, and whether there are more.
pub(crate) async fn newest(
    api: &Api,
    webhook: &WebhookId,
    selection: Selection,
) -> Result<(Vec<Box<RawValue>>, bool), Failure> {
    let (mut list, mut cursor) = (Vec::new(), None);
    loop {
        let left = selection.limit - list.len();
        let mut query = vec![("limit", left.min(PAGE_LEN_MAX).to_string())];
        query.extend(selection.delivered.map(|delivered| ("delivered", delivered.to_string())));
        query.extend(selection.status_code.map(|status| ("status_code", status.to_string())));
        query.extend(selection.outcome.clone().map(|outcome| ("outcome", outcome)));
        query.extend(selection.since.clone().map(|since| ("since", since)));
        query.extend(selection.until.clone().map(|until| ("until", until)));
        query.extend(selection.event.map(|event| ("event_id", event.to_string())));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = api.attempts(webhook, &query).await?.value;
        list.extend(page.attempts);
        list.truncate(selection.limit);
        cursor = page.next_cursor;
        if cursor.is_none() || list.len() >= selection.limit {
            return Ok((list, cursor.is_some()));
        }
    }
}

/// Checks a moment, which the gateway reads: durations are of its clock.
fn moment(text: &str) -> Result<String, Invalid> {
    text.parse::<Moment>().map(|_| text.to_owned())
}

/// Parses attempts.
pub(crate) fn read_all(list: &[Box<RawValue>], api: &Api) -> Result<Vec<Attempt>, Failure> {
    list.iter().map(|json| read(json, api)).collect()
}

/// Parses a part of a response.
pub(crate) fn read<T: serde::de::DeserializeOwned>(json: &RawValue, api: &Api) -> Result<T, Failure> {
    serde_json::from_str(json.get()).map_err(|error| {
        Failure::from(fanfare_client::Error::NotFanfare {
            url: api.server().to_owned(),
            problem: format!("its response cannot be parsed: {error}"),
        })
    })
}
