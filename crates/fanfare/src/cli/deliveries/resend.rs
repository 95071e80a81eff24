//! `fanfare deliveries resend`: resends single events now, or has the worker resend many.

use fanfare_api::words::DeliveryState;
use fanfare_core::duration::Literal;
use fanfare_core::json::without_mark;
use fanfare_core::{Position, WebhookId};
use serde_json::{Value, json};

use crate::cli::confirm::confirmed;
use crate::cli::deliveries::{State, chosen, of_webhook};
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::secret::Place;
use crate::cli::text::count;
use crate::cli::webhooks::named::{among, title};
use crate::cli::webhooks::replay::{Sum, by_ids, moment, replayed};
use crate::cli::webhooks::test;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::replay::{Replay, ReplayedState};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::Api;

/// Resend single events now, or all waiting or failed deliveries
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("One event, to the webhooks that failed to get it", "fanfare deliveries resend k3f9x2ab-1042"),
    ("To one webhook, even if it already got it",
     "fanfare deliveries resend k3f9x2ab-1042 --webhook localhost:3000"),
    ("With another body", "fanfare deliveries resend k3f9x2ab-1042 --webhook localhost:3000 \\\n    --body fixed.json"),
    ("All deliveries that failed in the last day", "fanfare deliveries resend --failed --since 1d"),
], "A single event is sent immediately, and the response is shown; exit code 1 if it was not \
    delivered. With --failed and --waiting, the webhook's worker sends the events and restarts the retry \
    schedule. A different body gets a different `webhook-id`."))]
pub(crate) struct Args {
    /// Ids of the events
    #[arg(value_name = "ID", required_unless_present_any = ["failed", "waiting"])]
    events: Vec<Position>,
    /// Only for this webhook: its name, its id, its URL or part of its URL
    #[arg(long, value_name = "WEBHOOK")]
    webhook: Option<String>,
    /// All failed deliveries
    #[arg(long, conflicts_with_all = ["events", "waiting"])]
    failed: bool,
    /// All waiting deliveries, now instead of later
    #[arg(long, conflicts_with_all = ["events", "since"])]
    waiting: bool,
    /// With --failed, only events since this time: 10m, 2h, 7d or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "failed")]
    since: Option<String>,
    /// Send this JSON as the body instead, from a file or `-`
    #[arg(long, value_name = "FILE", requires = "webhook", requires = "events")]
    body: Option<Place>,
    /// With --failed or --waiting, only show the count
    #[arg(long, conflicts_with = "events")]
    dry_run: bool,
    /// Skip the confirmation prompt
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
}

/// Maximum waiting deliveries of one webhook to resend at once.
const WAITING_MAX: usize = 100_000;

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    if args.events.is_empty() { many(args, api, context).await } else { single(args, api, context).await }
}

async fn single(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let body = args.body.as_ref().map(json_in).transpose()?;
    let named = match &args.webhook {
        None => None,
        Some(name) => Some(among(&api.webhooks().await?.value.into_items(), name)?.clone()),
    };
    let (output, mut exit) = (context.output, Exit::Ok);
    let mut attempts = Vec::new();
    for event in &args.events {
        let event = *event;
        let targets: Vec<(WebhookId, String)> = match &named {
            Some(webhook) => {
                vec![(webhook.id.clone(), title(webhook.name.as_ref(), &webhook.webhook_url).into_owned())]
            }
            None => failed_webhooks(api, event).await?,
        };
        for (id, url) in targets {
            let attempt = api.resend(&id, event, body.as_ref()).await?;
            if !attempt.value.is_delivered() {
                exit = Exit::Failed;
            }
            match output.mode {
                Mode::Human | Mode::Table => {
                    let said = test::said(&attempt.value);
                    output.line(format!("{said} {DIM}· {event} →{DIM:#} {url}"))?;
                }
                Mode::Json => attempts.push(attempt.json),
                Mode::Ndjson => output.line(&attempt.json)?,
                Mode::Raw => output.line(attempt.value.detail.outcome.as_str())?,
            }
        }
    }
    if output.mode == Mode::Json {
        output.line(format!("{{\"attempts\":[{}]}}", attempts.join(",")))?;
    }
    Ok(exit)
}

/// Returns the id and the title of each webhook that failed to get an event.
async fn failed_webhooks(api: &Api, event: Position) -> Result<Vec<(WebhookId, String)>, Failure> {
    let receipts = api.receipts(event).await?.value;
    let failed: Vec<(WebhookId, String)> = receipts
        .webhooks
        .iter()
        .filter(|receipt| matches!(receipt.state, DeliveryState::Waiting | DeliveryState::Failed))
        .map(|receipt| {
            (
                receipt.webhook_id.clone(),
                title(receipt.webhook_name.as_ref(), &receipt.webhook_url).into_owned(),
            )
        })
        .collect();
    if !failed.is_empty() {
        return Ok(failed);
    }
    Err(Failure::not_found(format!("no webhook failed to get {event}"))
        .why(match receipts.webhooks.len() as u64 {
            0 => "no webhook matches it".to_owned(),
            number => format!("it was delivered, or is still to be sent: {}", count(number, "webhook")),
        })
        .fix(format!("to send it anyway: fanfare deliveries resend {event} --webhook WEBHOOK")))
}

async fn many(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let mut work: Vec<(Webhook, Vec<Replay>)> = Vec::new();
    for webhook in chosen(api, args.webhook.as_deref()).await? {
        let selections = if args.failed {
            let replay = Replay {
                state: Some(ReplayedState::Failed),
                since: args.since.clone().map(Literal::Text),
                ..Replay::default()
            };
            if webhook.failed > 0 { vec![replay] } else { Vec::new() }
        } else {
            let (waiting, _) = of_webhook(api, &webhook, Some(State::Waiting), None, WAITING_MAX).await?;
            by_ids(&waiting.into_iter().map(|delivery| delivery.value.event_id).collect::<Vec<_>>())
        };
        if !selections.is_empty() {
            work.push((webhook, selections));
        }
    }
    let output = context.output;
    if args.failed && !args.dry_run && !args.yes && output.mode == Mode::Human && !work.is_empty() {
        let mut sum = 0;
        for (webhook, selections) in &work {
            sum += replayed(api, &webhook.id, selections, true).await?.count;
        }
        let to = count(work.len() as u64, "webhook");
        let question = format!("Resend {} to {to}?", count(sum, "event"));
        if sum > 0 && !confirmed(&question, false, context)? {
            return Ok(Exit::Ok);
        }
    }
    let mut done: Vec<(Webhook, Sum)> = Vec::new();
    for (webhook, selections) in work {
        let sum = replayed(api, &webhook.id, &selections, args.dry_run).await?;
        done.push((webhook, sum));
    }
    tell(&done, args.dry_run, context)?;
    Ok(Exit::Ok)
}

fn tell(done: &[(Webhook, Sum)], dry_run: bool, context: &Context) -> Result<(), Failure> {
    let output = context.output;
    let json = |(webhook, sum): &(Webhook, Sum)| {
        json!({
            "webhook_id": webhook.id,
            "webhook_url": webhook.webhook_url,
            "count": sum.count,
            "dry_run": dry_run,
        })
    };
    match output.mode {
        Mode::Human | Mode::Table if done.iter().all(|(_, sum)| sum.count == 0) => {
            output.note(format!("{SUCCESS}✓{SUCCESS:#} nothing to resend"));
        }
        Mode::Human | Mode::Table => done.iter().try_for_each(|(webhook, sum)| {
            let url = title(webhook.name.as_ref(), &webhook.webhook_url);
            let events = count(sum.count, "event");
            output.line(match dry_run {
                true => format!("{DIM}–{DIM:#} would resend {events} to {BOLD}{url}{BOLD:#}"),
                false => format!("{SUCCESS}✓{SUCCESS:#} resending {events} to {BOLD}{url}{BOLD:#}"),
            })
        })?,
        Mode::Json => {
            let list: Vec<Value> = done.iter().map(json).collect();
            output.line(json!({ "webhooks": list }).to_string())?;
        }
        Mode::Ndjson => done.iter().try_for_each(|one| output.line(json(one).to_string()))?,
        Mode::Raw => done.iter().try_for_each(|(_, sum)| output.line(sum.count.to_string()))?,
    }
    Ok(())
}

fn json_in(place: &Place) -> Result<Value, Failure> {
    let text = place.long_text()?;
    serde_json::from_slice(without_mark(text.as_bytes())).map_err(|error| {
        Failure::usage("the body is not valid JSON").at(place.to_string()).why(error.to_string())
    })
}
