//! `fanfare webhooks test`: sends a test event and shows the response.

use fanfare_core::{Channel, EventType, Priority};
use serde_json::value::RawValue;

use crate::cli::global::priority_parser;
use crate::cli::output::Output;
use crate::cli::output::style::{DIM, ERROR, SUCCESS};
use crate::cli::secret::Place;
use crate::cli::text::harmless;
use crate::cli::webhooks::attempt_rows::{result_text, span};
use crate::cli::webhooks::named::named;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::attempts::Attempt;
use fanfare_api::webhooks::sample::Sample;
use fanfare_client::Api;

/// Send a test event to a webhook and show the response
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Check that the receiver responds", "fanfare webhooks test localhost:3000"),
    ("With an event like those that it gets",
     "fanfare webhooks test localhost:3000 -t build.failed -c builds.web \\\n    -m 'web is red' --json '{\"sha\":\"ab12\"}'"),
    ("With a body of your own", "fanfare webhooks test localhost:3000 --body body.json"),
    ("In a script; exits with 0 or 1", "fanfare webhooks test wh_… -q && echo delivered"),
], "The event has the type `fanfare.test`, unless you choose another, and is not written to the log. A \
    paused webhook gets it too; neither its position nor its state changes."))]
pub(crate) struct Args {
    /// The webhook: its name, its id, its URL or part of its URL
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    #[command(flatten)]
    event: Event,
    /// Send this JSON instead of the event, from a file or `-`
    #[arg(long, value_name = "FROM", conflicts_with_all = ["channel", "event_type", "message", "json", "priority"])]
    body: Option<Place>,
}

/// The event of a test or a preview.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Event {
    /// Channel of the event [default: default]
    #[arg(short, long)]
    channel: Option<Channel>,
    /// Type of the event [default: fanfare.test]
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    event_type: Option<EventType>,
    /// Message of the event [default: that it is a test]
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Data of the event, as JSON
    #[arg(long, value_name = "JSON", value_parser = json)]
    json: Option<Box<RawValue>>,
    /// Priority of the event: min, low, default, high or max
    #[arg(short, long, value_parser = priority_parser(), hide_possible_values = true)]
    priority: Option<Priority>,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let sample = args.sample()?;
    let webhook = named(api, &args.webhook).await?;
    let attempt = api.test_webhook(&webhook.id, &sample).await?;
    let outcome = || attempt.value.detail.outcome.to_string();
    context.output.result(|| said(&attempt.value), &attempt.json, outcome)?;
    let output = context.output;
    advise(&attempt.value, output);
    let id = &attempt.value.id;
    output.hint(match attempt.value.is_delivered() {
        true => format!("  {DIM}send it a real event: fanfare push -c CHANNEL --wait MESSAGE{DIM:#}"),
        false => format!("  {DIM}see the response: fanfare deliveries show {id}{DIM:#}"),
    });
    Ok(if attempt.value.is_delivered() { Exit::Ok } else { Exit::Failed })
}

impl Args {
    fn sample(&self) -> Result<Sample, Failure> {
        Ok(Sample { body: self.body.as_ref().map(body).transpose()?, ..self.event.sample() })
    }
}

impl Event {
    /// Returns the parts that were chosen.
    pub(crate) fn sample(&self) -> Sample {
        Sample {
            channel: self.channel.clone(),
            event_type: self.event_type.clone(),
            message: self.message.clone(),
            data: self.json.clone(),
            priority: self.priority,
            body: None,
        }
    }
}

fn json(text: &str) -> Result<Box<RawValue>, String> {
    RawValue::from_string(text.to_owned()).map_err(|error| format!("not valid JSON: {error}"))
}

fn body(place: &Place) -> Result<Box<RawValue>, Failure> {
    json(&place.long_text()?)
        .map_err(|problem| Failure::usage(format!("the body is {problem}")).at(place.to_string()))
}

/// Says what to do about an attempt that was not delivered.
pub(crate) fn advise(attempt: &Attempt, output: Output) {
    if let Some(problem) = &attempt.detail.problem {
        output.note(format!("  {}", harmless(problem)));
    }
    if let Some(advice) = &attempt.advice {
        output.note(format!("  {DIM}{}{DIM:#}", harmless(advice)));
    }
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
