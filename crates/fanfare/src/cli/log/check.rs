//! `fanfare log check`: looks for damage in the file of the log.

use serde_json::json;

use crate::cli::log::place::StoreFlag;
use crate::cli::log::said_of;
use crate::cli::log::work::work;
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM, ERROR, LITERAL, SUCCESS};
use crate::cli::settings::Key;
use crate::cli::text::{count, grouped, harmless};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_store_embedded::maintenance::{self, Report};

/// Check the log for damage
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Check the log of `fanfare serve`", "fanfare log check"),
    ("Check a backup", "fanfare log check /backup/log.db"),
    ("In a script", "fanfare log check -q || echo damaged"),
], "Checks the structure of the file with its indexes, and the checksum of every event. Changes \
    nothing, and works while a gateway runs. Exit code 0 if the log is intact, otherwise 1."))]
pub(crate) struct Args {
    /// File to check [default: the log]
    #[arg(value_name = "FILE", conflicts_with = "store")]
    file: Option<String>,
    #[command(flatten)]
    store: StoreFlag,
}

impl Args {
    /// Returns the settings that were given as flags.
    pub(crate) fn flags(&self) -> Vec<(Key, Vec<String>)> {
        let file = self.file.clone().map(|file| (Key::Store, vec![file]));
        self.store.flags().chain(file).collect()
    }
}

pub(crate) fn run(context: &Context) -> Result<Exit, Failure> {
    let path = StoreFlag::path(context)?;
    let store = path.clone();
    let report = work(context, move |watch| maintenance::check(&store, watch))?;
    let output = context.output;
    match output.mode {
        Mode::Json | Mode::Ndjson => {
            let mut json = said_of(&report, &path);
            json["ok"] = json!(report.is_whole());
            json["damaged"] = json!(report.damaged);
            json["problems"] = json!(report.problems);
            output.line(json.to_string())?;
        }
        Mode::Raw => report.damaged.iter().try_for_each(|event| output.line(event.to_string()))?,
        Mode::Human | Mode::Table => print(&report, context)?,
    }
    Ok(if report.is_whole() { Exit::Ok } else { Exit::Failed })
}

fn print(report: &Report, context: &Context) -> Result<(), Failure> {
    let output = context.output;
    if report.is_whole() {
        output.line(format!(
            "{SUCCESS}✓{SUCCESS:#} {}, {} and {} are whole",
            count(report.events(), "event"),
            count(report.readers as u64, "reader"),
            count(report.webhooks as u64, "webhook"),
        ))?;
        return Ok(());
    }
    if report.damaged_events > 0 {
        let (damaged, events) = (grouped(report.damaged_events), count(report.events(), "event"));
        output.line(format!("{ERROR}✗{ERROR:#} {BOLD}{damaged} of {events} damaged{BOLD:#}"))?;
        for event in &report.damaged {
            output.line(format!("  {event}"))?;
        }
        let others = report.damaged_events - report.damaged.len() as u64;
        if others > 0 {
            output.line(format!("  {DIM}and {} more{DIM:#}", grouped(others)))?;
        }
    }
    for problem in &report.problems {
        output.line(format!("{ERROR}✗{ERROR:#} {}", harmless(problem)))?;
    }
    let fix = match report.problems.is_empty() {
        true => "readers pass over damaged events; if there are more from day to day, replace the disk",
        false => "restore a backup, or save what can be read: fanfare log export > events.ndjson",
    };
    output.note(format!("  {LITERAL}fix{LITERAL:#}: {fix}"));
    Ok(())
}
