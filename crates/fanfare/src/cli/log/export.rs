//! `fanfare log export`: writes the events of the log as text.

use std::io::{BufWriter, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare_core::start::Moment;
use fanfare_core::{Event, Invalid};
use serde::Serialize;

use crate::cli::log::place::StoreFlag;
use crate::cli::text::{count, harmless_json};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_runtime::clock;
use fanfare_store_embedded::maintenance;

/// Write the events of the log to stdout, as JSON lines
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Everything that can be read", "fanfare log export > events.ndjson"),
    ("The last day", "fanfare log export --since 1d > events.ndjson"),
    ("Into another log", "fanfare log export --store old.db | fanfare log import --store new.db"),
], "One event per line, oldest first, as in `fanfare history -o ndjson`, with the request that \
    brought it to `/ingest` in base64. Events that cannot be read are \
    left out and counted on stderr. Readers, webhooks and idempotency keys are not in it; a backup has them."))]
pub(crate) struct Args {
    /// Only events since this time: 10m, 2h, 7d or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    #[command(flatten)]
    pub(crate) store: StoreFlag,
}

/// An event, and the request that is kept with it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_http: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let path = StoreFlag::path(context)?;
    let since = args.since.map(|moment| match moment {
        Moment::Ago(duration) => clock::wall().before(duration),
        Moment::At(timestamp) => timestamp,
    });
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    let exported = maintenance::export(&path, since, |event, original| -> Result<(), Failure> {
        let line = Line { event, original_http: original.map(|message| STANDARD.encode(message)) };
        let line = serde_json::to_string(&line).expect("an event is text, numbers and nothing else");
        writeln!(stdout, "{}", harmless_json(&line))?;
        Ok(())
    })?;
    stdout.flush()?;
    if exported.damaged > 0 {
        let damaged = count(exported.damaged, "event");
        context.output.warn(&format!("{damaged} left out, because the log is damaged"));
    }
    context.output.note(format!("{} exported", count(exported.events, "event")));
    Ok(Exit::Ok)
}

fn moment(text: &str) -> Result<Moment, Invalid> {
    text.parse()
}
