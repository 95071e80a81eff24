//! `fanfare deliveries ls`: lists waiting and failed deliveries.

use fanfare_core::Position;
use jiff::ZonedDateTime;

use crate::cli::deliveries::{State, chosen, of_webhook};
use crate::cli::event_line::time;
use crate::cli::output::Mode;
use crate::cli::output::style::{DIM, ERROR, SUCCESS, WARNING};
use crate::cli::table::table;
use crate::cli::text::{harmless, shortened};
use crate::cli::webhooks::attempt_rows::words;
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
    /// Only for this webhook: its id, its URL or part of its URL
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
    let (mut found, mut more) = (Vec::new(), false);
    for webhook in chosen(api, args.webhook.as_deref()).await? {
        let count = match state {
            None => webhook.waiting + webhook.failed,
            Some(State::Waiting) => webhook.waiting,
            Some(State::Failed) => webhook.failed,
        };
        if count == 0 {
            continue;
        }
        let left = limit - found.len();
        if left == 0 {
            more = true;
            break;
        }
        let (deliveries, has_more) = of_webhook(api, &webhook, state, args.event, left).await?;
        more |= has_more;
        found.extend(deliveries.into_iter().map(|delivery| (webhook.clone(), delivery)));
    }
    show(&found, context)?;
    if more {
        context.output.hint(format!("{DIM}for more, use -n {}{DIM:#}", args.limit.saturating_mul(10)));
    }
    Ok(Exit::Ok)
}

fn show(found: &[(Webhook, Answer<Delivery>)], context: &Context) -> Result<(), Failure> {
    let output = context.output;
    let json = |(webhook, delivery): &(Webhook, Answer<Delivery>)| {
        let json = with_member(&delivery.json, "webhook_id", &text(webhook.id.as_str()));
        with_member(&json, "webhook_url", &text(&webhook.webhook_url))
    };
    match output.mode {
        Mode::Human | Mode::Table if found.is_empty() => {
            output.note(format!("{SUCCESS}✓{SUCCESS:#} no waiting or failed deliveries"));
        }
        Mode::Human | Mode::Table => {
            let now = ZonedDateTime::now();
            let rows: Vec<Vec<String>> =
                found.iter().map(|(webhook, delivery)| row(webhook, &delivery.value, &now)).collect();
            output.line(table(&["event", "channel", "next", "attempts ", "reason", "webhook"], &rows))?;
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
    let url = webhook.webhook_url.split_once("://").map_or(&*webhook.webhook_url, |(_, rest)| rest);
    vec![
        delivery.event_id.to_string(),
        harmless(delivery.channel.as_str()).into_owned(),
        next,
        delivery.attempts.to_string(),
        words(delivery.outcome.as_str()),
        harmless(&shortened(url, URL_CHARS_MAX)).into_owned(),
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
