//! `fanfare webhooks replay`: resends many events.

use fanfare_api::webhooks::replay::{Replay, ReplayedState};
use fanfare_core::duration::Literal;
use fanfare_core::start::Moment;
use fanfare_core::{Invalid, Pattern, Position, WebhookId};
use serde_json::json;

use crate::cli::confirm::confirmed;
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::text::{count, grouped};
use crate::cli::webhooks::named::{named, title};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::Api;

/// Resend past events or failed deliveries
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("All failed deliveries", "fanfare webhooks replay localhost:3000 --failed"),
    ("Only count the events of the last hour", "fanfare webhooks replay localhost:3000 --since 1h --dry-run"),
    ("The events of one hour", "fanfare webhooks replay localhost:3000 --since 3h --until 2h"),
    ("Single events", "fanfare webhooks replay localhost:3000 k3f9x2ab-1042 k3f9x2ab-1050"),
], "The webhook's worker sends the events at its usual pace, with the same `webhook-id` as before. Events \
    that are still to be sent are left alone. At a terminal, you see the count and are asked to confirm; \
    scripts and agents are not."))]
pub(crate) struct Args {
    /// The webhook: its name, its id, its URL or part of its URL
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    /// Only these events
    #[arg(value_name = "ID", conflicts_with_all = ["failed", "since", "until", "after", "channel", "all"])]
    ids: Vec<Position>,
    /// Only failed deliveries
    #[arg(long)]
    failed: bool,
    /// Only events since this time: 10m, 2h, 7d or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<String>,
    /// Only events until this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<String>,
    /// Only events after this one
    #[arg(long, value_name = "ID")]
    after: Option<Position>,
    /// Only channels that match; repeatable
    #[arg(short, long, value_name = "PATTERN", value_delimiter = ',')]
    channel: Vec<Pattern>,
    /// Every event in the log
    #[arg(long, conflicts_with_all = ["failed", "since", "after"])]
    all: bool,
    /// Only show the count
    #[arg(long)]
    dry_run: bool,
    /// Skip the confirmation prompt
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
}

/// Maximum ids in one request.
const IDS_MAX: usize = 1_000;

/// The result of one or more replays.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sum {
    /// Number of events to resend.
    pub(crate) count: u64,
    /// How many of them were already waiting.
    pub(crate) waiting: u64,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let webhook = named(api, &args.webhook).await?;
    let selections = args.selections(&webhook)?;
    let output = context.output;
    let url = title(webhook.name.as_ref(), &webhook.webhook_url).into_owned();
    if !args.dry_run && !args.yes && output.mode == Mode::Human {
        let sum = replayed(api, &webhook.id, &selections, true).await?;
        let question = format!("Resend {} to {url}?", count(sum.count, "event"));
        if sum.count > 0 && !confirmed(&question, false, context)? {
            return Ok(Exit::Ok);
        }
    }
    let sum = replayed(api, &webhook.id, &selections, args.dry_run).await?;
    output.result(
        || said(sum, &url, args.dry_run),
        &json!({ "webhook_id": webhook.id, "count": sum.count, "waiting": sum.waiting, "dry_run": args.dry_run })
            .to_string(),
        || sum.count.to_string(),
    )?;
    Ok(Exit::Ok)
}

/// Replays all selected events, with as many requests as needed.
pub(crate) async fn replayed(
    api: &Api,
    webhook: &WebhookId,
    selections: &[Replay],
    dry_run: bool,
) -> Result<Sum, Failure> {
    let mut sum = Sum::default();
    for selection in selections {
        let mut replay = Replay { dry_run, ..selection.clone() };
        loop {
            let part = api.replay(webhook, &replay).await?.value;
            sum.count += part.count as u64;
            sum.waiting += part.waiting as u64;
            replay.cursor = part.next_cursor;
            if replay.cursor.is_none() {
                break;
            }
        }
    }
    Ok(sum)
}

/// Returns selections of `ids`, in requests of the maximum size.
pub(crate) fn by_ids(ids: &[Position]) -> Vec<Replay> {
    let replay = |ids: &[Position]| Replay { event_ids: Some(ids.to_vec()), ..Replay::default() };
    ids.chunks(IDS_MAX).map(replay).collect()
}

impl Args {
    fn selections(&self, webhook: &Webhook) -> Result<Vec<Replay>, Failure> {
        if !self.ids.is_empty() {
            return Ok(by_ids(&self.ids));
        }
        let replay = Replay {
            state: self.failed.then_some(ReplayedState::Failed),
            since: self.since.clone().map(Literal::Text),
            until: self.until.clone().map(Literal::Text),
            // With `--all`, the position before the first event of the webhook's log.
            after: if self.all { Some(Position { seq: 0, ..webhook.position }) } else { self.after },
            channels: self.channel.clone(),
            ..Replay::default()
        };
        let is_selected = replay.state.is_some() || !replay.channels.is_empty();
        if !is_selected && replay.since.is_none() && replay.until.is_none() && replay.after.is_none() {
            return Err(Failure::usage("no events were selected")
                .fix("use --failed, --since 1h, event ids, or --all for everything"));
        }
        Ok(vec![replay])
    }
}

fn said(sum: Sum, url: &str, dry_run: bool) -> String {
    let waiting = match sum.waiting {
        0 => String::new(),
        waiting => format!(" {DIM}· {} already waiting, sent sooner{DIM:#}", grouped(waiting)),
    };
    let events = count(sum.count, "event");
    match (sum.count, dry_run) {
        (0, _) => format!("{DIM}–{DIM:#} nothing to resend to {BOLD}{url}{BOLD:#}"),
        (_, true) => format!("{DIM}–{DIM:#} would resend {events} to {BOLD}{url}{BOLD:#}{waiting}"),
        (_, false) => {
            format!("{SUCCESS}✓{SUCCESS:#} resending {events} to {BOLD}{url}{BOLD:#}{waiting}")
        }
    }
}

pub(crate) fn moment(text: &str) -> Result<String, Invalid> {
    text.parse::<Moment>().map(|_| text.to_owned())
}
