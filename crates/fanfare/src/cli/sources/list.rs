//! `fanfare sources ls`: lists the sources.

use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::output::Mode;
use crate::cli::text::{grouped, harmless};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::sources::IngestSource;
use fanfare_client::Api;

/// List the sources and what arrived at each
#[derive(Debug, clap::Args)]
#[command(visible_alias = "list", after_help = examples::examples(&[
    ("All sources", "fanfare sources ls"),
    ("Those that anyone can send to", "fanfare sources ls -o json | jq '.sources[] | select(.verify == \"none\")'"),
]))]
pub(crate) struct Args {}

pub(crate) async fn run(_: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let answer = api.sources().await?;
    let sources = &answer.value.sources;
    let output = context.output;
    match output.mode {
        Mode::Human | Mode::Table => {
            let now = ZonedDateTime::now();
            let rows: Vec<Vec<String>> = sources.iter().map(|source| row(source, &now)).collect();
            output.table(&["source", "kind", "verify", "accepted ", "refused ", "last"], &rows)?;
        }
        Mode::Json => output.line(&answer.json)?,
        Mode::Ndjson => crate::cli::each_of(&answer.json, "sources", |json| output.line(json))?,
        Mode::Raw => sources.iter().try_for_each(|source| output.line(source.name.as_str()))?,
    }
    Ok(Exit::Ok)
}

fn row(source: &IngestSource, now: &ZonedDateTime) -> Vec<String> {
    let verify = if source.closed { "closed" } else { &source.verify };
    vec![
        source.name.to_string(),
        harmless(&source.kind).into_owned(),
        harmless(verify).into_owned(),
        grouped(source.accepted),
        grouped(source.refused),
        source.last_accepted_at.map(|at| time(at, now)).unwrap_or_default(),
    ]
}
