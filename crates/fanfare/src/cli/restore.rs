//! `fanfare restore`: puts a backup where the log is missing.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::log::place::StoreFlag;
use crate::cli::log::work::work;
use crate::cli::log::{noted_damage, said_of};
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::settings::Key;
use crate::cli::text::count;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_runtime::clock;
use fanfare_store_embedded::maintenance;

/// Restore a lost log from a backup
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("After you have moved away what is left of the log", "fanfare restore /backup/log.db"),
    ("To another place", "fanfare restore /backup/log.db --store ./log.db"),
], "The backup is checked first. The log gets a new epoch: clients are told that it was replaced, and \
    continue after the last event that they have in common with it. Readers and webhooks continue from \
    their positions in the backup. An existing log, or what is left of one, is never overwritten."))]
pub(crate) struct Args {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
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
    let (store, file, now) = (path.clone(), args.file.clone(), clock::wall());
    let restored = work(context, move |watch| maintenance::restore(&file, &store, now, watch))?;
    let report = &restored.report;
    noted_damage(report, "the backup", context.output);
    let human = || {
        format!(
            "{SUCCESS}✓{SUCCESS:#} restored {} to {BOLD}{}{BOLD:#} {DIM}·{DIM:#} new epoch {}",
            count(report.events(), "event"),
            path.display(),
            report.epoch
        )
    };
    let mut json = said_of(report, &path);
    json["file"] = json!(args.file);
    json["previous_epoch"] = json!(restored.before);
    context.output.result(human, &json.to_string(), || report.epoch.to_string())?;
    context.output.hint(format!("{DIM}start the gateway: fanfare serve{DIM:#}"));
    Ok(Exit::Ok)
}
