//! `fanfare deliveries`: inspects and resends failed deliveries, of one webhook or all.

mod discard;
mod list;
mod resend;
mod show;

use clap::{Subcommand, ValueEnum};
use fanfare_core::Position;
use serde_json::value::RawValue;

use crate::cli::webhooks::attempts::read;
use crate::cli::webhooks::named::among;
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_api::webhooks::deliveries::Delivery;
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::{Answer, Api};

/// The note below the help.
const NOTE: &str = "Only undelivered events are listed: they are waiting for a retry, or failed (no more \
    retries). A successful delivery leaves only its attempts.";

/// Inspect and resend failed webhook deliveries
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Waiting and failed deliveries", "fanfare deliveries ls"),
    ("Who got this event, what was sent and what came back", "fanfare deliveries show k3f9x2ab-1042"),
    ("Resend now", "fanfare deliveries resend k3f9x2ab-1042"),
    ("Resend all failed deliveries", "fanfare deliveries resend --failed"),
], NOTE))]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(list::Args),
    Show(show::Args),
    #[command(alias = "retry")]
    Resend(resend::Args),
    Discard(discard::Args),
}

/// State of a delivery that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// Due for a retry
    Waiting,
    /// No more retries
    Failed,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Failed => "failed",
        }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    block_on(async {
        match &args.command {
            Command::Ls(args) => list::run(args, &api, context).await,
            Command::Show(args) => show::run(args, &api, context).await,
            Command::Resend(args) => resend::run(args, &api, context).await,
            Command::Discard(args) => discard::run(args, &api, context).await,
        }
    })
}

/// Maximum deliveries per page.
const PAGE_LEN_MAX: usize = 1_000;

/// Returns the webhook called `name`, or all webhooks without a name.
async fn chosen(api: &Api, name: Option<&str>) -> Result<Vec<Webhook>, Failure> {
    let webhooks = api.webhooks().await?.value.into_items();
    match name {
        None => Ok(webhooks),
        Some(name) => Ok(vec![among(&webhooks, name)?.clone()]),
    }
}

/// Returns up to `limit` deliveries of a webhook, in the order of the log, and whether there are more.
async fn of_webhook(
    api: &Api,
    webhook: &Webhook,
    state: Option<State>,
    event: Option<Position>,
    limit: usize,
) -> Result<(Vec<Answer<Delivery>>, bool), Failure> {
    let mut found: Vec<Answer<Delivery>> = Vec::new();
    let mut cursor = None;
    loop {
        let mut query = vec![("limit", (limit - found.len()).min(PAGE_LEN_MAX).to_string())];
        query.extend(state.map(|state| ("state", state.as_str().to_owned())));
        query.extend(event.map(|event| ("event_id", event.to_string())));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = api.deliveries(&webhook.id, &query).await?.value;
        for json in &page.deliveries {
            found.push(one(json, api)?);
        }
        cursor = page.next_cursor;
        if cursor.is_none() || found.len() >= limit {
            return Ok((found, cursor.is_some()));
        }
    }
}

fn one(json: &RawValue, api: &Api) -> Result<Answer<Delivery>, Failure> {
    Ok(Answer { value: read(json, api)?, json: json.get().into() })
}
