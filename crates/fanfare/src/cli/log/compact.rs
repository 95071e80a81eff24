//! `fanfare log compact`: returns free space in the log file to the disk.

use serde_json::json;

use crate::cli::log::place::StoreFlag;
use crate::cli::log::work::work;
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::text::size;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_runtime::clock;
use fanfare_store_embedded::maintenance;

/// Return free space in the log to the disk
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("The log of `fanfare serve`", "fanfare log compact"),
    ("Another log", "fanfare log compact --store ./log.db"),
], "Stop the gateway first. A new file is written beside the old one, checked, and put in its place, so \
    the disk needs room for both. The content does not change."))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) store: StoreFlag,
}

pub(crate) fn run(context: &Context) -> Result<Exit, Failure> {
    let path = StoreFlag::path(context)?;
    let (store, now) = (path.clone(), clock::wall());
    let done = work(context, move |watch| maintenance::compact(&store, now, watch))?;
    let (before, after) = (size(done.before), size(done.after));
    let human =
        || format!("{SUCCESS}✓{SUCCESS:#} {BOLD}{before} → {after}{BOLD:#} {DIM}{}{DIM:#}", path.display());
    let json = json!({ "store": path, "bytes_before": done.before, "bytes_after": done.after });
    context.output.result(human, &json.to_string(), || done.after.to_string())?;
    Ok(Exit::Ok)
}
