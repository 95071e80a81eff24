//! `fanfare webhooks test`: sends a test event and shows the response.

use crate::cli::output::style::{DIM, ERROR, SUCCESS};
use crate::cli::webhooks::attempt_rows::{result_text, span};
use crate::cli::webhooks::named::named;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::attempts::Attempt;
use fanfare_client::Api;

/// Send a test event to a webhook and show the response
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Check that the receiver responds", "fanfare webhooks test localhost:3000"),
    ("In a script; exits with 0 or 1", "fanfare webhooks test wh_… -q && echo delivered"),
], "The event has the type `fanfare.test` and is not written to the log. A paused webhook gets it too; \
    neither its position nor its state changes."))]
pub(crate) struct Args {
    /// The webhook: its id, its URL or part of its URL
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let webhook = named(api, &args.webhook).await?;
    let attempt = api.test_webhook(&webhook.id).await?;
    let outcome = || attempt.value.detail.outcome.to_string();
    context.output.result(|| said(&attempt.value), &attempt.json, outcome)?;
    if !attempt.value.is_delivered() {
        let id = &attempt.value.id;
        context.output.hint(format!("  {DIM}see the response: fanfare deliveries show {id}{DIM:#}"));
    }
    Ok(if attempt.value.is_delivered() { Exit::Ok } else { Exit::Failed })
}

/// Describes the result of an attempt.
pub(crate) fn said(attempt: &Attempt) -> String {
    let took = span(attempt.detail.times.total_us);
    let result = result_text(attempt);
    if attempt.is_delivered() {
        format!("{SUCCESS}✓{SUCCESS:#} delivered: {result} {DIM}in {took}{DIM:#}")
    } else {
        format!("{ERROR}✗{ERROR:#} not delivered: {result} {DIM}after {took}{DIM:#}")
    }
}
