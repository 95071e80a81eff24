//! `fanfare status`: the gateway at a glance.

use std::time::Duration;

use crate::cli::output::style::{BOLD, DIM, ERROR, SUCCESS, WARNING};
use crate::cli::push::waits;
use crate::cli::spool::Spool;
use crate::cli::text::{count, duration, grouped, harmless};
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_api::status::Status;

/// Show the gateway at a glance
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("The gateway", "fanfare status"),
    ("The end of its log, for a script", "fanfare status -o raw"),
], "`fanfare doctor` also checks this machine, and says how to fix what is wrong."))]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    let answer = block_on(async { Ok(api.status().await?) })?;
    let status = &answer.value;
    context.output.result(|| shown(status, api.server()), &answer.json, || status.last.to_string())?;
    let waiting = Spool::of(api.server()).map_or(Ok(0), |spool| spool.len())?;
    if waiting > 0 {
        context.output.note(format!(
            "  {WARNING}{}{WARNING:#} on this machine; send with: fanfare push --flush",
            waits(waiting)
        ));
    }
    Ok(Exit::Ok)
}

fn shown(status: &Status, server: &str) -> String {
    let up = duration(Duration::from_secs(status.uptime_seconds));
    let mut lines = vec![format!(
        "{BOLD}{}{BOLD:#} {} {DIM}·{DIM:#} {server} {DIM}· up {up}{DIM:#}",
        harmless(&status.name),
        harmless(&status.version)
    )];
    let mut row = |head: &str, what: String| lines.push(format!("  {DIM}{head:<9}{DIM:#} {what}"));
    let pushes = match &status.refusal {
        None => format!("{SUCCESS}✓{SUCCESS:#} accepted"),
        Some(refusal) => format!("{ERROR}✗ refused{ERROR:#}: {}", harmless(refusal)),
    };
    row("pushes", pushes);
    row("log", log(status));
    let listeners: Vec<String> = status.listeners.iter().map(ToString::to_string).collect();
    row("listening", harmless(&listeners.join(", ")).into_owned());
    row("clients", count(status.stream_clients as u64, "live subscription"));
    row("webhooks", webhooks(status));
    lines.join("\n")
}

fn log(status: &Status) -> String {
    let kept = match status.last.seq == 0 || status.first.seq > status.last.seq {
        true => "no events".to_owned(),
        false => format!("{} to {}", status.first, status.last),
    };
    let damaged = match status.damaged_events {
        0 => String::new(),
        number => format!(" {DIM}·{DIM:#} {ERROR}✗{ERROR:#} {} damaged", count(number, "event")),
    };
    format!("{kept} {DIM}· {}{DIM:#}{damaged}", status.store)
}

fn webhooks(status: &Status) -> String {
    let totals = &status.webhooks;
    let mut words = vec![grouped(status.total_webhooks as u64)];
    let webhooks = [(totals.failing, "failing"), (totals.held, "held"), (totals.paused, "paused")];
    let deliveries = [(totals.waiting, "waiting"), (totals.failed, "failed")];
    let in_trouble = webhooks.iter().filter(|(number, _)| *number > 0);
    words.extend(
        in_trouble.map(|(number, state)| format!("{WARNING}{}{WARNING:#} {state}", grouped(*number as u64))),
    );
    for (number, state) in deliveries {
        let deliveries = if number == 1 { "delivery" } else { "deliveries" };
        words.extend((number > 0).then(|| format!("{} {deliveries} {state}", grouped(number))));
    }
    words.join(&format!(" {DIM}·{DIM:#} "))
}
