//! `fanfare webhooks attempts`: every request, with its times.

use fanfare_core::{Position, WebhookId};
use jiff::ZonedDateTime;
use serde_json::value::RawValue;

use crate::cli::output::Mode;
use crate::cli::output::style::DIM;
use crate::cli::webhooks::attempt_rows::rows;
use crate::cli::webhooks::named::named;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::attempts::Attempt;
use fanfare_client::Api;

/// Show the requests that were made, with their times
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("The newest 20", "fanfare webhooks attempts localhost:3000"),
    ("Only what failed", "fanfare webhooks attempts localhost:3000 --failed"),
    ("How one event fared", "fanfare webhooks attempts localhost:3000 --event k3f9x2ab-1042"),
    ("All of it, for a program", "fanfare webhooks attempts localhost:3000 -n 10000 -o ndjson"),
], "Attempts that failed are kept for 7 days, those that arrived until the gateway
stops, the newest 50 of each webhook. What was said in one:
fanfare deliveries show ATTEMPT, with an id of -o raw."))]
pub(crate) struct Args {
    /// Which: an id, an address, or a part of an address
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    /// Only those that did not arrive
    #[arg(long, conflicts_with = "delivered")]
    failed: bool,
    /// Only those that arrived
    #[arg(long)]
    delivered: bool,
    /// Only at this event
    #[arg(long, value_name = "ID")]
    event: Option<Position>,
    /// Only the newest so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

/// Most attempts of one page.
const PAGE_LEN_MAX: usize = 100;

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let webhook = named(api, &args.webhook).await?;
    let delivered = (args.failed || args.delivered).then_some(args.delivered);
    let wanted = Wanted { delivered, event: args.event, limit: args.limit as usize };
    let (list, more) = newest(api, &webhook.id, wanted).await?;
    let output = context.output;
    match output.mode {
        Mode::Human | Mode::Table if list.is_empty() => output.note(format!("{DIM}no attempts{DIM:#}")),
        Mode::Human | Mode::Table => output.line(rows(&read_all(&list, api)?, &ZonedDateTime::now()))?,
        Mode::Json => {
            let list: Vec<&str> = list.iter().map(|json| json.get()).collect();
            output.line(format!("{{\"attempts\":[{}]}}", list.join(",")))?;
        }
        Mode::Ndjson => list.iter().try_for_each(|json| output.line(json.get()))?,
        Mode::Raw => read_all(&list, api)?.iter().try_for_each(|attempt| output.line(&attempt.id))?,
    }
    if more {
        output.hint(format!("{DIM}there are more: -n {}{DIM:#}", args.limit.saturating_mul(5)));
    }
    Ok(Exit::Ok)
}

/// Which attempts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Only those that arrived, or only those that did not.
    pub(crate) delivered: Option<bool>,
    /// Only at this event.
    pub(crate) event: Option<Position>,
    /// Most of them.
    pub(crate) limit: usize,
}

/// Gives the newest attempts, as they came, and whether there are more.
pub(crate) async fn newest(
    api: &Api,
    webhook: &WebhookId,
    wanted: Wanted,
) -> Result<(Vec<Box<RawValue>>, bool), Failure> {
    let (mut list, mut before) = (Vec::new(), None);
    loop {
        let left = wanted.limit - list.len();
        let mut query = vec![("limit", left.min(PAGE_LEN_MAX).to_string())];
        query.extend(wanted.delivered.map(|delivered| ("delivered", delivered.to_string())));
        query.extend(wanted.event.map(|event| ("event_id", event.to_string())));
        query.extend(before.take().map(|before| ("before", before)));
        let page = api.attempts(webhook, &query).await?.value;
        list.extend(page.attempts);
        list.truncate(wanted.limit);
        before = page.next;
        if before.is_none() || list.len() >= wanted.limit {
            return Ok((list, before.is_some()));
        }
    }
}

/// Reads attempts.
pub(crate) fn read_all(list: &[Box<RawValue>], api: &Api) -> Result<Vec<Attempt>, Failure> {
    list.iter().map(|json| read(json, api)).collect()
}

/// Reads a part of an answer.
pub(crate) fn read<T: serde::de::DeserializeOwned>(json: &RawValue, api: &Api) -> Result<T, Failure> {
    serde_json::from_str(json.get()).map_err(|error| {
        Failure::from(fanfare_client::Error::NotFanfare {
            url: api.server().to_owned(),
            problem: format!("its answer cannot be read: {error}"),
        })
    })
}
