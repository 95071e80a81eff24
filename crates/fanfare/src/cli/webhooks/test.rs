//! `fanfare webhooks test`: one request, and what came back.

use crate::cli::output::style::{DIM, ERROR, SUCCESS};
use crate::cli::webhooks::attempt_rows::{answer_text, span};
use crate::cli::webhooks::named::named;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::attempts::Attempt;
use fanfare_client::Api;

/// Send a webhook a test event, and say what came back
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Does it answer?", "fanfare webhooks test localhost:3000"),
    ("In a script; exit code 0 or 1", "fanfare webhooks test wh_… -q && echo it answers"),
], "The event has the type `webhook.test` and is in no log. A webhook that is paused
gets it, too; neither its position nor its health changes."))]
pub(crate) struct Args {
    /// Which: an id, an address, or a part of an address
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let webhook = named(api, &args.webhook).await?;
    let attempt = api.test_webhook(&webhook.id).await?;
    let category = || attempt.value.detail.category.to_string();
    context.output.result(|| said(&attempt.value), &attempt.json, category)?;
    if !attempt.value.delivered {
        let id = &attempt.value.id;
        context.output.hint(format!("  {DIM}what it said: fanfare deliveries show {id}{DIM:#}"));
    }
    Ok(if attempt.value.delivered { Exit::Ok } else { Exit::Failed })
}

/// Says how an attempt ended.
pub(crate) fn said(attempt: &Attempt) -> String {
    let took = span(attempt.detail.times.total_us);
    let answer = answer_text(attempt);
    if attempt.delivered {
        format!("{SUCCESS}✓{SUCCESS:#} arrived: {answer} {DIM}in {took}{DIM:#}")
    } else {
        format!("{ERROR}✗{ERROR:#} did not arrive: {answer} {DIM}after {took}{DIM:#}")
    }
}
