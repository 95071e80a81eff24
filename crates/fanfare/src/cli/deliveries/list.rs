//! `fanfare deliveries ls`: lists waiting and failed deliveries.

use std::collections::HashMap;

use fanfare_core::{Position, WebhookId};
use jiff::ZonedDateTime;

use crate::cli::deliveries::{PAGE_LEN_MAX, State, chosen, one};
use crate::cli::event_line::time;
use crate::cli::output::Mode;
use crate::cli::output::style::{DIM, ERROR, SUCCESS, WARNING};
use crate::cli::text::{harmless, shortened};
use crate::cli::webhooks::attempt_rows::words;
use crate::cli::webhooks::named::title;
use crate::cli::{Context, Exit, Failure, examples, with_member};
use fanfare_api::webhooks::deliveries::Delivery;
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::{Answer, Api};

/// List waiting and failed deliveries
#[derive(Debug, clap::Args)]
#[command(visible_alias = "list", after_help = examples::examples(&[
    ("Deliveries of all webhooks", "fanfare deliveries ls"),
    ("Failed deliveries of one webhook", "fanfare deliveries ls --webhook localhost:3000 --failed"),
    ("Only the ids of the events", "fanfare deliveries ls --failed -o raw"),
]))]
pub(crate) struct Args {
    /// Only for this webhook: its name, its id, its URL or part of its URL
    #[arg(long, value_name = "WEBHOOK")]
    webhook: Option<String>,
    /// Only in this state: waiting or failed
    #[arg(long, value_enum, hide_possible_values = true)]
    state: Option<State>,
    /// Only failed deliveries; same as --state failed
    #[arg(long, conflicts_with = "state")]
    failed: bool,
    /// Only for this event
    #[arg(long, value_name = "ID")]
    event: Option<Position>,
    /// Show at most this many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

/// Maximum characters of a URL in the table.
const URL_CHARS_MAX: usize = 32;

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let state = if args.failed { Some(State::Failed) } else { args.state };
    let limit = args.limit as usize;
    let webhooks = chosen(api, args.webhook.as_deref()).await?;
    let only = args.webhook.as_ref().and_then(|_| webhooks.first());
    let mut query = Vec::new();
    query.extend(only.map(|webhook| ("webhook_id", webhook.id.to_string())));
    query.extend(state.map(|state| ("state", state.as_str().to_owned())));
    query.extend(args.event.map(|event| ("event_id", event.to_string())));
    let (deliveries, more) = pages(api, &query, limit).await?;
    let known: HashMap<&WebhookId, &Webhook> =
        webhooks.iter().map(|webhook| (&webhook.id, webhook)).collect();
    let found: Vec<(&Webhook, Answer<Delivery>)> = deliveries
        .into_iter()
        // One that was registered since the webhooks were listed is shown with the next call.
        .filter_map(|delivery| Some((*known.get(&delivery.value.webhook_id)?, delivery)))
        .collect();
    show(&found, context)?;
    if more {
        context.output.hint(format!("{DIM}for more, use -n {}{DIM:#}", args.limit.saturating_mul(10)));
    }
    Ok(Exit::Ok)
}

/// Reads up to `limit` deliveries; returns them, and whether there are more.
async fn pages(
    api: &Api,
    query: &[(&'static str, String)],
    limit: usize,
) -> Result<(Vec<Answer<Delivery>>, bool), Failure> {
    let mut found: Vec<Answer<Delivery>> = Vec::new();
    let mut cursor = None;
    loop {
        let mut query = query.to_vec();
        query.push(("limit", (limit - found.len()).min(PAGE_LEN_MAX).to_string()));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = api.all_deliveries(&query).await?.value;
        for json in &page.deliveries {
            found.push(one(json, api)?);
        }
        cursor = page.next_cursor;
        if cursor.is_none() || found.len() >= limit {
            return Ok((found, cursor.is_some()));
        }
    }
}

fn show(found: &[(&Webhook, Answer<Delivery>)], context: &Context) -> Result<(), Failure> {
    let output = context.output;
    let json = |(webhook, delivery): &(&Webhook, Answer<Delivery>)| {
        let named = match &webhook.name {
            Some(name) => with_member(&delivery.json, "webhook_name", &text(name.as_str())),
            None => delivery.json.to_string(),
        };
        with_member(&named, "webhook_url", &text(&webhook.webhook_url))
    };
    match output.mode {
        Mode::Human | Mode::Table if found.is_empty() => {
            output.note(format!("{SUCCESS}✓{SUCCESS:#} no waiting or failed deliveries"));
        }
        Mode::Human | Mode::Table => {
            let now = ZonedDateTime::now();
            let rows: Vec<Vec<String>> =
                found.iter().map(|(webhook, delivery)| row(webhook, &delivery.value, &now)).collect();
            output.table(&["event", "channel", "next", "attempts ", "reason", "webhook"], &rows)?;
        }
        Mode::Json => {
            let list: Vec<String> = found.iter().map(json).collect();
            output.line(format!("{{\"deliveries\":[{}]}}", list.join(",")))?;
        }
        Mode::Ndjson => found.iter().try_for_each(|one| output.line(json(one)))?,
        Mode::Raw => {
            found.iter().try_for_each(|(_, delivery)| output.line(delivery.value.event_id.to_string()))?;
        }
    }
    Ok(())
}

fn row(webhook: &Webhook, delivery: &Delivery, now: &ZonedDateTime) -> Vec<String> {
    let next = match &delivery.next_attempt_at {
        Some(at) => format!("{WARNING}!{WARNING:#} {}", time(*at, now)),
        None => format!("{ERROR}✗{ERROR:#} failed"),
    };
    let title = title(webhook.name.as_ref(), &webhook.webhook_url);
    let title = title.split_once("://").map_or(&*title, |(_, rest)| rest);
    vec![
        delivery.event_id.to_string(),
        harmless(delivery.channel.as_str()).into_owned(),
        next,
        delivery.attempts.to_string(),
        words(delivery.outcome.as_str()),
        shortened(title, URL_CHARS_MAX).into_owned(),
    ]
}

/// Formats the state of a delivery, with a symbol.
pub(crate) fn state_text(state: &str) -> String {
    let (symbol, style) = match state {
        "delivered" => ("✓", SUCCESS),
        "waiting" => ("!", WARNING),
        "failed" => ("✗", ERROR),
        _ => ("·", DIM),
    };
    format!("{style}{symbol}{style:#} {}", harmless(state))
}

fn text(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}
