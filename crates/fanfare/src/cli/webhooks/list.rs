//! `fanfare webhooks ls`: lists webhooks and their state.

use clap::builder::PossibleValuesParser;
use fanfare_core::WebhookName;
use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::output::Mode;
use crate::cli::output::style::{DIM, ERROR, SUCCESS, WARNING};
use crate::cli::text::{grouped, harmless, shortened};
use crate::cli::webhooks::named::title;
use crate::cli::{Context, Exit, Failure, each_of, examples};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_api::words::WebhookState;
use fanfare_client::Api;

/// List webhooks and their state
#[derive(Debug, clap::Args)]
#[command(visible_alias = "list", after_help = examples::examples(&[
    ("All webhooks", "fanfare webhooks ls"),
    ("With ids and full URLs", "fanfare webhooks ls -o table"),
    ("Only the ids", "fanfare webhooks ls -o raw"),
    ("Only those that fail", "fanfare webhooks ls --state failing"),
    ("All that have problems", "fanfare webhooks ls -o json | jq '.items[] | select(.state != \"active\")'"),
]))]
pub(crate) struct Args {
    /// Only in this state: active, failing, held or paused
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(WebhookState::KNOWN), hide_possible_values = true)]
    state: Option<String>,
}

/// The columns. The name or a part of the URL is enough to name a webhook, so only `-o table` has the ids.
const HEADS: [&str; 6] = ["webhook", "state", "last", "lag ", "waiting ", "failed "];

/// Maximum characters of a URL, except with `-o table`.
const URL_CHARS_MAX: usize = 36;

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let answer = match args.state.as_deref() {
        None => api.webhooks().await?,
        Some(state) => api.webhooks_in(&state.into()).await?,
    };
    let webhooks = answer.value.items.as_deref().unwrap_or_default();
    let output = context.output;
    match output.mode {
        Mode::Human | Mode::Table if webhooks.is_empty() && args.state.is_some() => {
            output.note(format!("{DIM}no webhook is in this state{DIM:#}"));
        }
        Mode::Human | Mode::Table if webhooks.is_empty() => {
            output.note(format!("{DIM}no webhooks yet; add one: fanfare webhooks add URL{DIM:#}"));
        }
        Mode::Human => {
            let now = ZonedDateTime::now();
            let rows: Vec<Vec<String>> = webhooks.iter().map(|webhook| row(webhook, &now)).collect();
            output.table(&HEADS, &rows)?;
        }
        Mode::Table => {
            let now = ZonedDateTime::now();
            let with_id = |webhook: &Webhook| {
                let mut cells = row(webhook, &now);
                cells[0] = harmless(&webhook.webhook_url).into_owned();
                cells.insert(0, webhook.name.as_ref().map_or("–", WebhookName::as_str).to_owned());
                cells.insert(0, webhook.id.to_string());
                cells
            };
            let rows: Vec<Vec<String>> = webhooks.iter().map(with_id).collect();
            let heads: Vec<&str> =
                ["id", "name", "url"].into_iter().chain(HEADS.into_iter().skip(1)).collect();
            output.table(&heads, &rows)?;
        }
        Mode::Json => output.line(&answer.json)?,
        Mode::Ndjson => each_of(&answer.json, "items", |json| output.line(json))?,
        Mode::Raw => webhooks.iter().try_for_each(|webhook| output.line(webhook.id.as_str()))?,
    }
    Ok(Exit::Ok)
}

fn row(webhook: &Webhook, now: &ZonedDateTime) -> Vec<String> {
    let last = webhook.last_success_at.max(webhook.last_failure_at);
    vec![
        shortened(&title(webhook.name.as_ref(), &webhook.webhook_url), URL_CHARS_MAX).into_owned(),
        state(webhook, now),
        last.map_or_else(|| "–".to_owned(), |last| time(last, now)),
        format!("{}{}", if webhook.lag_is_exact { "" } else { "≤" }, grouped(webhook.lag)),
        grouped(webhook.waiting),
        grouped(webhook.failed),
    ]
}

/// Formats the state of a webhook, with a symbol, and until when it is held.
pub(crate) fn state(webhook: &Webhook, now: &ZonedDateTime) -> String {
    let (symbol, style) = match webhook.state.as_str() {
        "active" => ("✓", SUCCESS),
        "failing" => ("!", WARNING),
        "paused" => ("–", DIM),
        _ => ("✗", ERROR),
    };
    let until = webhook.held_until.map(|until| format!(" until {}", time(until, now))).unwrap_or_default();
    format!("{style}{symbol}{style:#} {}{until}", harmless(webhook.state.as_str()))
}
