//! `fanfare webhooks rm`: forgetting.

use crate::cli::confirm::confirmed;
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, SUCCESS};
use crate::cli::text::{count, harmless};
use crate::cli::webhooks::named::named_exactly;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::Api;

/// Forget webhooks, with what waits for them
#[derive(Debug, clap::Args)]
#[command(visible_alias = "remove", after_help = examples::with_note(&[
    ("By its address", "fanfare webhooks rm http://localhost:3000/hook"),
    ("All that are paused, without being asked",
     "fanfare webhooks ls -o json | jq -r '.webhooks[] | select(.state == \"paused\").id' \\\n    | xargs fanfare webhooks rm --yes"),
], "What waits for another try and what was given up goes, too; the events stay in the
log. A person at a terminal is asked first; scripts and agents are not. To keep
it without sending: fanfare webhooks pause."))]
pub(crate) struct Args {
    /// Which: ids or whole addresses
    #[arg(value_name = "WEBHOOK", required = true)]
    webhooks: Vec<String>,
    /// Do not ask
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
    let mut forgotten = Vec::new();
    for webhook in &webhooks {
        let answer = api.forget_webhook(&webhook.id).await?;
        match output.mode {
            Mode::Json => forgotten.push(answer.json),
            Mode::Ndjson => output.line(&answer.json)?,
            Mode::Raw => output.line(webhook.id.as_str())?,
            Mode::Human | Mode::Table => output.line(format!(
                "{SUCCESS}✓{SUCCESS:#} forgotten: {BOLD}{}{BOLD:#}",
                harmless(&webhook.webhook_url)
            ))?,
        }
    }
    if output.mode == Mode::Json {
        output.line(format!("{{\"webhooks\":[{}]}}", forgotten.join(",")))?;
    }
    Ok(Exit::Ok)
}

fn question(webhooks: &[Webhook]) -> String {
    let undone: u64 = webhooks.iter().map(|webhook| webhook.waiting + webhook.dead).sum();
    let with = match undone {
        0 => String::new(),
        undone => format!(", with {} undelivered", count(undone, "event")),
    };
    match webhooks {
        [one] => format!("Forget {}{with}?", harmless(&one.webhook_url)),
        many => format!("Forget {}{with}?", count(many.len() as u64, "webhook")),
    }
}
