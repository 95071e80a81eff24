//! Prints what a purge removed.

use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, SUCCESS};
use crate::cli::text::{count, harmless};
use crate::cli::{Context, Failure};
use fanfare_api::purging::Purged;

/// Prints what was removed of `name`; `json` is the answer. In JSON, all answers are one object, which the caller prints.
pub(crate) fn show(name: &str, removed: &Purged, json: &str, context: &Context) -> Result<(), Failure> {
    let output = context.output;
    if !removed.erased {
        output.warn(
            "the content may still be on the gateway's disk, because another program reads the log's file; run this \
             command again when it has ended",
        );
    }
    match output.mode {
        Mode::Json => {}
        Mode::Ndjson => output.line(json)?,
        Mode::Raw => output.line(name)?,
        Mode::Human | Mode::Table => {
            let (events, deliveries) = (count(removed.events, "event"), deliveries(removed.deliveries));
            let name = harmless(name);
            output
                .line(format!("{SUCCESS}✓{SUCCESS:#} erased: {BOLD}{name}{BOLD:#} ({events}{deliveries})"))?;
        }
    }
    Ok(())
}

fn deliveries(number: u64) -> String {
    match number {
        0 => String::new(),
        1 => ", 1 delivery".to_owned(),
        many => format!(", {many} deliveries"),
    }
}
