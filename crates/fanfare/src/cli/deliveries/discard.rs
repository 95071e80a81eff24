//! `fanfare deliveries discard`: removes deliveries, so that they are not retried.

use fanfare_core::Position;
use serde_json::{Value, json};

use crate::cli::confirm::confirmed;
use crate::cli::deliveries::{State, chosen, of_webhook};
use crate::cli::output::Mode;
use crate::cli::output::style::SUCCESS;
use crate::cli::text::count;
use crate::cli::webhooks::named::title;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::Api;

/// Discard waiting or failed deliveries: they are not retried
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("One event, for every webhook that failed to get it", "fanfare deliveries discard k3f9x2ab-1042"),
    ("All failed deliveries of one webhook",
     "fanfare deliveries discard --failed --webhook localhost:3000"),
], "The events stay in the log. At a terminal, you are asked to confirm; scripts and agents are \
    not."))]
pub(crate) struct Args {
    /// Ids of the events
    #[arg(value_name = "ID", required_unless_present = "failed")]
    events: Vec<Position>,
    /// Only for this webhook: its name, its id, its URL or part of its URL
    #[arg(long, value_name = "WEBHOOK")]
    webhook: Option<String>,
    /// All failed deliveries
    #[arg(long, conflicts_with = "events")]
    failed: bool,
    /// Skip the confirmation prompt
    #[arg(short, long)]
    yes: bool,
}

/// Maximum deliveries to discard at once.
const DISCARDED_MAX: usize = 100_000;

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let mut found: Vec<(Webhook, Position)> = Vec::new();
    for webhook in chosen(api, args.webhook.as_deref()).await? {
        if webhook.waiting + webhook.failed == 0 {
            continue;
        }
        let mut deliveries = Vec::new();
        if args.failed {
            deliveries = of_webhook(api, &webhook, Some(State::Failed), None, DISCARDED_MAX).await?.0;
        }
        for event in &args.events {
            deliveries.extend(of_webhook(api, &webhook, None, Some(*event), 1).await?.0);
        }
        found.extend(deliveries.into_iter().map(|delivery| (webhook.clone(), delivery.value.event_id)));
    }
    if let Some(event) = args.events.iter().find(|event| !found.iter().any(|(_, found)| found == *event)) {
        return Err(Failure::not_found(format!("{event} has no waiting or failed delivery"))
            .fix("list them with `fanfare deliveries ls`"));
    }
    let question = match found.as_slice() {
        [(webhook, event)] => {
            format!("Discard {event} for {}?", title(webhook.name.as_ref(), &webhook.webhook_url))
        }
        many => match many.len() as u64 {
            1 => "Discard 1 delivery?".to_owned(),
            number => format!("Discard {number} deliveries?"),
        },
    };
    if !found.is_empty() && !confirmed(&question, args.yes, context)? {
        return Ok(Exit::Ok);
    }
    for (webhook, event) in &found {
        api.discard_delivery(&webhook.id, *event).await?;
    }
    let output = context.output;
    let json =
        |(webhook, event): &(Webhook, Position)| json!({ "webhook_id": webhook.id, "event_id": event });
    match output.mode {
        Mode::Human | Mode::Table => {
            output
                .line(format!("{SUCCESS}✓{SUCCESS:#} discarded: {}", count(found.len() as u64, "event")))?;
        }
        Mode::Json => {
            let list: Vec<Value> = found.iter().map(json).collect();
            output.line(json!({ "discarded": list }).to_string())?;
        }
        Mode::Ndjson => found.iter().try_for_each(|one| output.line(json(one).to_string()))?,
        Mode::Raw => found.iter().try_for_each(|(_, event)| output.line(event.to_string()))?,
    }
    Ok(Exit::Ok)
}
