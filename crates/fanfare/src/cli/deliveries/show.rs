//! `fanfare deliveries show`: shows who got an event, the requests and the responses.

use fanfare_core::Position;
use jiff::ZonedDateTime;

use crate::cli::deliveries::list::state_text;
use crate::cli::event_line::{EventLines, time};
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM};
use crate::cli::text::harmless;
use crate::cli::webhooks::attempt_rows::{print, whole, words};
use crate::cli::webhooks::attempts::{Selection, newest, read_all};
use crate::cli::webhooks::named::{named, title};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::history::Receipts;
use fanfare_api::webhooks::attempts::Attempt;
use fanfare_client::{Answer, Api};
use fanfare_delivery::client::ANSWER_BYTES_KEPT;

/// Show who got an event, what was sent and what came back
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Who got it?", "fanfare deliveries show k3f9x2ab-1042"),
    ("Every request with all headers", "fanfare deliveries show k3f9x2ab-1042 -v"),
    ("One attempt, with an id from `webhooks attempts -o raw`",
     "fanfare deliveries show wh_…-1042-3-1795282915791336"),
], &note()))]
pub(crate) struct Args {
    /// Id of an event or an attempt
    #[arg(value_name = "ID")]
    id: String,
    /// Only for this webhook: its name, its id, its URL or part of its URL
    #[arg(long, value_name = "WEBHOOK")]
    webhook: Option<String>,
}

/// Returns the note below the help.
fn note() -> String {
    format!(
        "Credentials are hidden. Only the first {} KiB of a response are kept. To find the attempts of a batch, \
         use its first event.",
        ANSWER_BYTES_KEPT / 1024
    )
}

/// Maximum attempts to show per webhook.
const ATTEMPTS_MAX: usize = 10;

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    if args.id.starts_with("at_") {
        return one_attempt(&args.id, api, context).await;
    }
    let event: Position = args.id.parse().map_err(|invalid| {
        Failure::from(invalid).fix("use the id of an event, such as `k3f9x2ab-1042`, or of an attempt")
    })?;
    let receipts = api.receipts(event).await?;
    let only = match &args.webhook {
        Some(name) => Some(named(api, name).await?.id),
        None => None,
    };
    let is_whole = context.output.mode.is_json() || context.output.verbose > 0;
    let mut shown = Vec::new();
    for receipt in &receipts.value.webhooks {
        if only.as_ref().is_some_and(|only| *only != receipt.webhook_id) {
            continue;
        }
        let selection = Selection { event: Some(event), limit: ATTEMPTS_MAX, ..Selection::default() };
        let (list, _) = newest(api, &receipt.webhook_id, selection).await?;
        let attempts = read_all(&list, api)?;
        // Each request and response takes a request of its own, so by default only the newest attempt has them.
        let whole_len = if is_whole { attempts.len() } else { attempts.len().min(1) };
        let mut whole = Vec::new();
        for attempt in &attempts[..whole_len] {
            whole.push(api.attempt(&attempt.id).await?);
        }
        shown.push(WebhookAttempts {
            title: title(receipt.webhook_name.as_ref(), &receipt.webhook_url).into_owned(),
            attempts,
            whole,
        });
    }
    let output = context.output;
    match output.mode {
        Mode::Json | Mode::Ndjson => {
            let attempts: Vec<&str> =
                shown.iter().flat_map(|one| &one.whole).map(|attempt| &*attempt.json).collect();
            output.line(format!(
                "{{\"receipts\":{},\"attempts\":[{}]}}",
                receipts.json,
                attempts.join(",")
            ))?;
        }
        Mode::Raw => {
            receipts.value.webhooks.iter().try_for_each(|receipt| output.line(receipt.state.as_str()))?;
        }
        Mode::Human | Mode::Table => human(&receipts.value, &shown, api, context).await?,
    }
    Ok(Exit::Ok)
}

/// The attempts at one webhook.
struct WebhookAttempts {
    title: String,
    /// Newest first.
    attempts: Vec<Attempt>,
    /// The newest of them with their requests and responses.
    whole: Vec<Answer<Attempt>>,
}

async fn human(
    receipts: &Receipts,
    shown: &[WebhookAttempts],
    api: &Api,
    context: &Context,
) -> Result<(), Failure> {
    let (output, now) = (context.output, ZonedDateTime::now());
    // Retention may have removed an event that is still waiting.
    match api.event(receipts.event_id).await {
        Ok(event) => output.line(EventLines::new().write(&event.value, &now))?,
        Err(_) => output.line(format!("{BOLD}{}{BOLD:#}", receipts.event_id))?,
    }
    if receipts.webhooks.is_empty() && receipts.readers.is_empty() {
        output.note(format!("{DIM}no webhook or reader matches it{DIM:#}"));
    }
    let mut cells: Vec<Vec<String>> = Vec::new();
    for receipt in &receipts.webhooks {
        let attempts = receipt.attempts.map_or_else(|| "–".to_owned(), |attempts| attempts.to_string());
        let reason =
            receipt.outcome.as_ref().map_or_else(|| "–".to_owned(), |outcome| words(outcome.as_str()));
        let next = receipt.next_attempt_at.map_or_else(|| "–".to_owned(), |at| time(at, &now));
        let url = title(receipt.webhook_name.as_ref(), &receipt.webhook_url).into_owned();
        cells.push(vec![state_text(receipt.state.as_str()), attempts, reason, next, url]);
    }
    for reader in &receipts.readers {
        let state = if reader.acknowledged { "delivered" } else { "pending" };
        let dash = || "–".to_owned();
        let name = format!("reader {}", harmless(reader.reader.as_str()));
        cells.push(vec![state_text(state), dash(), dash(), dash(), name]);
    }
    if !cells.is_empty() {
        let heads = ["state", "attempts ", "reason", "next", "to"];
        output.line("")?;
        output.table(&heads, &cells)?;
    }
    for one in shown.iter().filter(|one| !one.attempts.is_empty()) {
        output.line(format!("\n{BOLD}{}{BOLD:#}", one.title))?;
        print(&output, &one.attempts, &now)?;
        for attempt in &one.whole {
            output.line(format!("\n{}", whole(&attempt.value, &now)))?;
        }
    }
    Ok(())
}

async fn one_attempt(id: &str, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let attempt = api.attempt(id).await?;
    context.output.warn_of_raw();
    let body = || {
        let answer = attempt.value.detail.answer.as_ref();
        answer.map(|answer| answer.body.clone()).unwrap_or_default()
    };
    context.output.result(|| whole(&attempt.value, &ZonedDateTime::now()), &attempt.json, body)?;
    Ok(Exit::Ok)
}
