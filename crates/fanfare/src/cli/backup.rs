//! `fanfare backup`: copies the log, whether or not a gateway uses it.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::log::place::StoreFlag;
use crate::cli::log::work::work;
use crate::cli::log::{noted_damage, said_of};
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::settings::Key;
use crate::cli::text::{count, size};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_store_embedded::maintenance;

/// Back up the log, even while the gateway runs
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Back up the log of `fanfare serve`", "fanfare backup /backup/log.db"),
    ("Another log, replacing yesterday's backup", "fanfare backup --store ./log.db --force /backup/log.db"),
], "The backup is one snapshot of the log. It is checked, and gets its name once it is complete. It \
    contains the secrets of webhooks, so only you can read it (0600). Until it is complete, the log's \
    write-ahead log grows with each push."))]
pub(crate) struct Args {
    /// File to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the file if it exists
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    store: StoreFlag,
}

impl Args {
    /// Returns the settings that were given as flags.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (Key, Vec<String>)> {
        self.store.flags()
    }
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let path = StoreFlag::path(context)?;
    let (store, file, force) = (path.clone(), args.file.clone(), args.force);
    let backup = work(context, move |watch| maintenance::backup(&store, &file, force, watch))?;
    let (report, file) = (&backup.report, args.file.display());
    noted_damage(report, "the log", context.output);
    let human = || {
        format!(
            "{SUCCESS}✓{SUCCESS:#} backed up {} to {BOLD}{file}{BOLD:#} {DIM}·{DIM:#} {} {DIM}·{DIM:#} checked",
            count(report.events(), "event"),
            size(backup.bytes)
        )
    };
    let mut json = said_of(report, &path);
    json["file"] = json!(args.file);
    json["bytes"] = json!(backup.bytes);
    context.output.result(human, &json.to_string(), || file.to_string())?;
    Ok(Exit::Ok)
}
