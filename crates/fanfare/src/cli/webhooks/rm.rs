//! `fanfare webhooks rm`: removes webhooks.

use crate::cli::confirm::confirmed;
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, SUCCESS};
use crate::cli::text::count;
use crate::cli::webhooks::named::{named_exactly, title};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::Api;

/// Remove webhooks and their deliveries
#[derive(Debug, clap::Args)]
#[command(visible_alias = "remove", after_help = examples::with_note(&[
    ("By its URL", "fanfare webhooks rm http://localhost:3000/hook"),
    ("Every paused webhook, without a prompt",
     "fanfare webhooks ls -o json | jq -r '.webhooks[] | select(.state == \"paused\").id' \\\n    | xargs fanfare webhooks rm --yes"),
], "Waiting and failed deliveries are removed too; the events stay in the log. At a terminal, you are \
    asked to confirm; scripts and agents are not. To stop sending but keep the webhook: fanfare webhooks \
    pause."))]
pub(crate) struct Args {
    /// The webhooks: names, ids or full URLs
    #[arg(value_name = "WEBHOOK", required = true)]
    webhooks: Vec<String>,
    /// Skip the confirmation prompt
    #[arg(short, long)]
    yes: bool,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let mut webhooks: Vec<Webhook> = Vec::new();
    for name in &args.webhooks {
        let webhook = named_exactly(api, name).await?;
        if !webhooks.iter().any(|known| known.id == webhook.id) {
            webhooks.push(webhook);
        }
    }
    if !confirmed(&question(&webhooks), args.yes, context)? {
        return Ok(Exit::Ok);
    }
    let output = context.output;
    let mut removed = Vec::new();
    for webhook in &webhooks {
        let answer = api.forget_webhook(&webhook.id).await?;
        match output.mode {
            Mode::Json => removed.push(answer.json),
            Mode::Ndjson => output.line(&answer.json)?,
            Mode::Raw => output.line(webhook.id.as_str())?,
            Mode::Human | Mode::Table => output.line(format!(
                "{SUCCESS}✓{SUCCESS:#} removed: {BOLD}{}{BOLD:#}",
                title(webhook.name.as_ref(), &webhook.webhook_url)
            ))?,
        }
    }
    if output.mode == Mode::Json {
        output.line(format!("{{\"webhooks\":[{}]}}", removed.join(",")))?;
    }
    Ok(Exit::Ok)
}

fn question(webhooks: &[Webhook]) -> String {
    let undelivered: u64 = webhooks.iter().map(|webhook| webhook.waiting + webhook.failed).sum();
    let with = match undelivered {
        0 => String::new(),
        undelivered => format!(" with {}", count(undelivered, "undelivered event")),
    };
    match webhooks {
        [one] => format!("Remove {}{with}?", title(one.name.as_ref(), &one.webhook_url)),
        many => format!("Remove {}{with}?", count(many.len() as u64, "webhook")),
    }
}
