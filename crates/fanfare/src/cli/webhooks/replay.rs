//! `fanfare webhooks replay`: deliveries that are made again.

use fanfare_api::webhooks::replay::Replay;
use fanfare_core::start::Moment;
use fanfare_core::{Invalid, Pattern, Position, WebhookId};
use serde_json::json;

use crate::cli::confirm::confirmed;
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::text::{count, harmless};
use crate::cli::webhooks::named::named;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::webhooks::webhook::Webhook;
use fanfare_client::Api;

/// Send again what was sent before, or was given up
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("What was given up", "fanfare webhooks replay localhost:3000 --failed"),
    ("How many would that be?", "fanfare webhooks replay localhost:3000 --since 1h --dry-run"),
    ("An hour of it", "fanfare webhooks replay localhost:3000 --since 3h --until 2h"),
    ("Single events", "fanfare webhooks replay localhost:3000 k3f9x2ab-1042 k3f9x2ab-1050"),
], "Deliveries are made by the webhook's worker, at its pace, with the `webhook-id`
that they always had. What it is yet to be sent is left alone. A person at a
terminal is told how many there are, and asked; scripts and agents are not."))]
pub(crate) struct Args {
    /// Which: an id, an address, or a part of an address
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    /// Only these events
    #[arg(value_name = "ID", conflicts_with_all = ["failed", "since", "until", "after", "channel", "all"])]
    ids: Vec<Position>,
    /// Only what was given up
    #[arg(long)]
    failed: bool,
    /// Only events since: 10m, 2h, 7d, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<String>,
    /// Only events until then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<String>,
    /// Only events after this one
    #[arg(long, value_name = "ID")]
    after: Option<Position>,
    /// Only channels that match; repeatable
    #[arg(short, long, value_name = "PATTERN", value_delimiter = ',')]
    channel: Vec<Pattern>,
    /// Everything that the log has
    #[arg(long, conflicts_with_all = ["failed", "since", "after"])]
    all: bool,
    /// Only count
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
}

/// Most events that one call names.
const IDS_MAX: usize = 1_000;

/// What replays came to.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) count: u64,
    pub(crate) waiting: u64,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let webhook = named(api, &args.webhook).await?;
    let selections = args.selections(&webhook)?;
    let output = context.output;
    let url = harmless(&webhook.webhook_url).into_owned();
    if !args.dry_run && !args.yes && output.mode == Mode::Human {
        let sum = replayed(api, &webhook.id, &selections, true).await?;
        let question = format!("Send {} again to {url}?", count(sum.count, "event"));
        if sum.count > 0 && !confirmed(&question, false, context)? {
            return Ok(Exit::Ok);
        }
    }
    let sum = replayed(api, &webhook.id, &selections, args.dry_run).await?;
    output.result(
        || said(sum, &url, args.dry_run),
        &json!({ "webhook": webhook.id, "count": sum.count, "waiting": sum.waiting, "dry_run": args.dry_run })
            .to_string(),
        || sum.count.to_string(),
    )?;
    Ok(Exit::Ok)
}

/// Replays all that is selected, over as many calls as that takes.
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
            let Some(next) = part.next else { break };
            replay.after = Some(next);
        }
    }
    Ok(sum)
}

/// Names events one by one, as many in one call as fit.
pub(crate) fn by_ids(ids: &[Position]) -> Vec<Replay> {
    let replay = |ids: &[Position]| Replay { ids: Some(ids.to_vec()), ..Replay::default() };
    ids.chunks(IDS_MAX).map(replay).collect()
}

impl Args {
    fn selections(&self, webhook: &Webhook) -> Result<Vec<Replay>, Failure> {
        if !self.ids.is_empty() {
            return Ok(by_ids(&self.ids));
        }
        let replay = Replay {
            failed: self.failed,
            since: self.since.clone(),
            until: self.until.clone(),
            // All: before the first event of the log that the webhook reads.
            after: if self.all { Some(Position { seq: 0, ..webhook.position }) } else { self.after },
            patterns: self.channel.clone(),
            ..Replay::default()
        };
        let is_said = replay.failed || !replay.patterns.is_empty();
        if !is_said && replay.since.is_none() && replay.until.is_none() && replay.after.is_none() {
            return Err(Failure::usage("nothing says what to send again")
                .fix("--failed for what was given up, --since 1h, ids of events, or --all for everything"));
        }
        Ok(vec![replay])
    }
}

fn said(sum: Sum, url: &str, dry_run: bool) -> String {
    let waiting = match sum.waiting {
        0 => String::new(),
        waiting => format!(" {DIM}· {waiting} of them waited already, and come sooner{DIM:#}"),
    };
    let events = count(sum.count, "event");
    match (sum.count, dry_run) {
        (0, _) => format!("{DIM}–{DIM:#} nothing to send again to {BOLD}{url}{BOLD:#}"),
        (_, true) => format!("{DIM}–{DIM:#} would send {events} again to {BOLD}{url}{BOLD:#}{waiting}"),
        (_, false) => {
            format!("{SUCCESS}✓{SUCCESS:#} {events} are sent again to {BOLD}{url}{BOLD:#}{waiting}")
        }
    }
}

pub(crate) fn moment(text: &str) -> Result<String, Invalid> {
    text.parse::<Moment>().map(|_| text.to_owned())
}
