//! `fanfare webhooks show`: shows a webhook's settings, state and newest attempts.

use fanfare_core::WebhookName;
use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::filter_words::filter_words;
use crate::cli::output::style::{BOLD, DIM, WARNING};
use crate::cli::output::{Mode, Output};
use crate::cli::text::{count, grouped, harmless};
use crate::cli::webhooks::attempt_rows::{print, span, words};
use crate::cli::webhooks::attempts::{Selection, newest, read_all};
use crate::cli::webhooks::list::state;
use crate::cli::webhooks::named::named;
use crate::cli::{Context, Exit, Failure, examples, with_member};
use fanfare_api::webhooks::credentials::Auth;
use fanfare_api::webhooks::stats::{AttemptCounts, WebhookStats};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::Api;
use fanfare_webhook::template::Preset;

/// Show a webhook's settings, state and attempts
#[derive(Debug, clap::Args)]
#[command(after_help = examples::examples(&[
    ("By a part of its URL", "fanfare webhooks show localhost:3000"),
    ("For a program", "fanfare webhooks show wh_… -o json | jq .state"),
]))]
pub(crate) struct Args {
    /// The webhook: its name, its id, its URL or part of its URL
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
}

/// Maximum attempts to show.
const ATTEMPTS_MAX: usize = 10;

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let id = named(api, &args.webhook).await?.id;
    let webhook = api.webhook(&id).await?;
    let output = context.output;
    match output.mode {
        Mode::Json | Mode::Ndjson => {
            let stats = api.webhook_stats(&id).await?;
            output.line(with_member(&webhook.json, "stats", &stats.json))?;
        }
        Mode::Raw => output.line(webhook.value.state.as_str())?,
        Mode::Human | Mode::Table => {
            let now = ZonedDateTime::now();
            output.line(described(&webhook.value, &now))?;
            let stats = api.webhook_stats(&id).await?.value;
            output.line(format!("  {DIM}{:<8}{DIM:#} {}", "last day", day(&stats)))?;
            let selection = Selection { limit: ATTEMPTS_MAX, ..Selection::default() };
            let (list, _) = newest(api, &id, selection).await?;
            if !list.is_empty() {
                output.line("")?;
                print(&output, &read_all(&list, api)?, &now)?;
            }
        }
    }
    Ok(Exit::Ok)
}

/// Says what to know about the settings of a webhook.
pub(crate) fn warn(webhook: &Webhook, output: Output) {
    webhook.warnings.iter().for_each(|warning| output.warn(&harmless(warning)));
}

/// Describes the attempts of the last day.
fn day(stats: &WebhookStats) -> String {
    let AttemptCounts { delivered, failed } = stats.day;
    let mut text = format!("{} delivered, {} failed", grouped(delivered.into()), grouped(failed.into()));
    if let (Some(p50), Some(p95)) = (stats.p50_us, stats.p95_us) {
        text.push_str(&format!(" {DIM}· median {}, p95 {}{DIM:#}", span(p50), span(p95)));
    }
    text
}

/// Describes a webhook for people: its state, its backlog and its settings.
pub(crate) fn described(webhook: &Webhook, now: &ZonedDateTime) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}", harmless(&webhook.webhook_url));
    if let Some(name) = &webhook.name {
        text = format!("{BOLD}{name}{BOLD:#} {DIM}·{DIM:#} {text}");
    }
    if let Some(description) = &webhook.wants.description {
        text.push_str(&format!("\n{DIM}{}{DIM:#}", harmless(description)));
    }
    for (name, value) in
        [("id", webhook.id.to_string()), ("state", state_words(webhook, now)), ("backlog", backlog(webhook))]
    {
        text.push_str(&format!("\n  {DIM}{name:<8}{DIM:#} {value}"));
    }
    if let Some(lost) = &webhook.lost_up_to {
        text.push_str(&format!(
            "\n  {DIM}lost{DIM:#}     events that were gone before they were sent, up to {lost}"
        ));
    }
    text.push('\n');
    text.push_str(&settings(webhook));
    text
}

/// Describes the settings of a webhook.
fn settings(webhook: &Webhook) -> String {
    let mut lines =
        vec![("events", filter(webhook)), ("sent", delivery(webhook)), ("signed", signed(webhook))];
    let wants = &webhook.wants;
    let auth = wants.auth.as_ref().map(|auth| match auth {
        Auth::Basic(basic) => format!("user {} and a password", basic.username),
        Auth::Bearer(_) => "a bearer token".to_owned(),
        Auth::Other(other) => format!("credentials of the kind {}", other.kind),
    });
    let with: Vec<String> = wants.header_names.iter().cloned().chain(auth).collect();
    if !with.is_empty() {
        lines.push(("with", format!("{} {DIM}(values are hidden){DIM:#}", harmless(&with.join(", ")))));
    }
    if !wants.ca_fingerprints.is_empty() {
        let short = |hex: &String| format!("{}…", hex.get(..16).unwrap_or(hex));
        let all: Vec<String> = wants.ca_fingerprints.iter().map(short).collect();
        lines.push(("trusts", format!("{} {DIM}(SHA-256){DIM:#}", harmless(&all.join(", ")))));
    }
    if wants.insecure_skip_verify {
        lines.push(("trusts", format!("{WARNING}any certificate{WARNING:#}")));
    }
    lines.push((
        "retries",
        format!("{}, each attempt up to {}", retries(&wants.retry), harmless(&wants.timeout)),
    ));
    let line = |(name, value): (&str, String)| format!("  {DIM}{name:<8}{DIM:#} {value}");
    lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn state_words(webhook: &Webhook, now: &ZonedDateTime) -> String {
    let mut text = state(webhook, now);
    let mut add = |more: String| text.push_str(&format!(" {DIM}·{DIM:#} {more}"));
    // The failures of one that is not paused are below, with the moment since when.
    if let Some(explanation) = webhook.explanation.as_ref().filter(|_| webhook.paused_reason.is_some()) {
        add(harmless(explanation).into_owned());
    }
    if webhook.held_until.is_some() {
        let name = webhook.name.as_ref().map_or(webhook.id.as_str(), WebhookName::as_str);
        add(format!("to try at once: fanfare webhooks resume {name}"));
    }
    if let Some(since) = &webhook.paused_since {
        add(format!("since {}", time(*since, now)));
    }
    if webhook.failures > 0 {
        let since = webhook
            .failing_since
            .as_ref()
            .map(|since| format!(" since {}", time(*since, now)))
            .unwrap_or_default();
        let last = webhook.last_failure_outcome.as_ref().map(|outcome| words(outcome.as_str()));
        let last = last.map(|last| format!(", {last}")).unwrap_or_default();
        add(format!("{}{since}{last}", count(u64::from(webhook.failures), "failure")));
    }
    match &webhook.last_success_at {
        Some(at) => add(format!("last delivered at {}", time(*at, now))),
        None => add("nothing delivered yet".to_owned()),
    }
    text
}

fn backlog(webhook: &Webhook) -> String {
    let lag = match (webhook.lag, webhook.lag_is_exact) {
        (0, _) => "nothing new to send".to_owned(),
        (lag, false) => format!("at most {} to send", count(lag, "event")),
        (lag, true) => format!("{} to send", count(lag, "event")),
    };
    let mut parts = vec![lag];
    if webhook.waiting > 0 {
        parts.push(format!("{} waiting for a retry", grouped(webhook.waiting)));
    }
    if webhook.failed > 0 {
        parts.push(format!("{} failed", grouped(webhook.failed)));
    }
    format!("{} {DIM}· after {}{DIM:#}", parts.join(", "), webhook.position)
}

fn filter(webhook: &Webhook) -> String {
    let wants = &webhook.wants;
    filter_words(&wants.channels, &wants.types, wants.min_priority.as_str(), wants.text.as_deref())
}

fn delivery(webhook: &Webhook) -> String {
    let wants = &webhook.wants;
    let template = wants.template.as_deref().map(|template| match Preset::from_name(template) {
        Some(preset) => format!("as {} takes it", preset.as_str()),
        None => "as a template of its own".to_owned(),
    });
    let mut parts = vec![match wants.payload.as_str() {
        _ if template.is_some() => template.unwrap_or_default(),
        "seed" => "as {message, timestamp, …}".to_owned(),
        payload => format!("as {payload}"),
    }];
    if wants.method.as_str() != "POST" {
        parts.insert(0, wants.method.to_string());
    }
    if let Some(content_type) = &wants.content_type {
        parts.push(content_type.to_string());
    }
    if let Some(batch) = &wants.batch {
        parts.push(format!("in batches of up to {}, within {}", batch.max_events, batch.max_wait));
    }
    parts.push(match wants.ordered {
        true => "in order, one at a time".to_owned(),
        false => format!("up to {} at a time", wants.concurrency),
    });
    if let Some(rate) = wants.rate_per_second {
        parts.push(format!("up to {rate} per second"));
    }
    harmless(&parts.join(" · ")).into_owned()
}

fn signed(webhook: &Webhook) -> String {
    let names: Vec<String> = webhook
        .wants
        .signatures
        .iter()
        .map(|name| match name.as_str() {
            "v1a" => format!("v1a, key {}", webhook.public_key),
            "hub" => "X-Hub-Signature-256".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    let earlier = match webhook.earlier_secrets_until.first() {
        Some(until) => format!(" · also with the previous secret until {until}"),
        None => String::new(),
    };
    harmless(&format!("{}{earlier}", names.join(" · "))).into_owned()
}

fn retries(retry: &[String]) -> String {
    match retry {
        [] => "none".to_owned(),
        delays => format!("after {}", harmless(&delays.join(", "))),
    }
}
