//! `fanfare log`: checks, copies and compacts the file of the log.

mod check;
mod compact;
mod export;
mod failure;
mod import;
mod line;
pub(crate) mod place;
pub(crate) mod work;

use std::path::Path;

use clap::Subcommand;
use fanfare_core::Position;
use serde_json::{Value, json};

use crate::cli::output::Output;
use crate::cli::settings::Key;
use crate::cli::text::count;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_store_embedded::maintenance::Report;

/// Check, export, import or compact the log
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Look for damage", "fanfare log check"),
    ("Save what can be read", "fanfare log export > events.ndjson"),
    ("Return free space to the disk", "fanfare log compact"),
], "These commands work on the log file, not through a gateway. `check` and `export` also work \
    while a gateway runs. See also `fanfare backup` and `fanfare restore`."))]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Export(export::Args),
    Import(import::Args),
    Compact(compact::Args),
}

impl Args {
    /// Returns the settings that were given as flags.
    pub(crate) fn flags(&self) -> Vec<(Key, Vec<String>)> {
        let store = match &self.command {
            Command::Check(args) => return args.flags(),
            Command::Export(args) => &args.store,
            Command::Import(args) => &args.store,
            Command::Compact(args) => &args.store,
        };
        store.flags().collect()
    }
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.command {
        Command::Check(_) => check::run(context),
        Command::Export(args) => export::run(&args, context),
        Command::Import(args) => import::run(&args, context),
        Command::Compact(_) => compact::run(context),
    }
}

/// Returns a report as JSON.
pub(crate) fn said_of(report: &Report, path: &Path) -> Value {
    let epoch = report.epoch;
    json!({
        "store": path,
        "epoch": epoch,
        "last_id": Position { epoch, seq: report.last },
        "events": report.events(),
        "damaged_events": report.damaged_events,
        "readers": report.readers,
        "webhooks": report.webhooks,
    })
}

/// Warns about events in a copy that cannot be read.
pub(crate) fn noted_damage(report: &Report, of: &str, output: Output) {
    if report.damaged_events > 0 {
        let events = count(report.damaged_events, "event");
        output.warn(&format!("{events} of {of} cannot be read; readers pass over them"));
    }
}
