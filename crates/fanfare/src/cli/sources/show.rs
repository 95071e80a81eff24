//! `fanfare sources show`: shows a source, and the last requests that it refused.

use fanfare_core::SourceName;
use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM};
use crate::cli::text::{grouped, harmless};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::sources::IngestSource;
use fanfare_client::Api;

/// Show a source, and why it refused requests
#[derive(Debug, clap::Args)]
#[command(after_help = examples::examples(&[
    ("What GitLab sends", "fanfare sources show gitlab"),
    ("Why the last request was refused", "fanfare sources show gitlab -o json | jq '.refusals[0]'"),
]))]
pub(crate) struct Args {
    /// The source
    #[arg(value_name = "NAME")]
    name: SourceName,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let answer = api.source(&args.name).await?;
    let source = &answer.value;
    let output = context.output;
    match output.mode {
        Mode::Json | Mode::Ndjson => output.line(&answer.json)?,
        Mode::Raw => output.line(&source.path)?,
        Mode::Human | Mode::Table => {
            let now = ZonedDateTime::now();
            output.line(described(source, api.server(), &now))?;
            if !source.refusals.is_empty() {
                let rows: Vec<Vec<String>> = source
                    .refusals
                    .iter()
                    .map(|refusal| {
                        let from = refusal.address.as_deref().unwrap_or_default();
                        vec![
                            time(refusal.refused_at, &now),
                            harmless(&refusal.code).into_owned(),
                            harmless(from).into_owned(),
                            harmless(&refusal.detail).into_owned(),
                        ]
                    })
                    .collect();
                output.line("")?;
                output.table(&["refused", "code", "from", "why"], &rows)?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn described(source: &IngestSource, server: &str, now: &ZonedDateTime) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#} {DIM}{}{DIM:#}", source.name, harmless(&source.kind));
    let state = if source.closed { "closed: it accepts nothing" } else { "open" };
    let last = source.last_accepted_at.map(|at| format!(", last {}", time(at, now))).unwrap_or_default();
    for (name, value) in [
        ("address", format!("{server}{}", source.path)),
        ("state", state.to_owned()),
        ("channel", source.channel.to_string()),
        ("verify", harmless(&source.verify).into_owned()),
        ("accepted", format!("{}{last}", grouped(source.accepted))),
        ("refused", grouped(source.refused)),
    ] {
        text.push_str(&format!("\n  {DIM}{name:<8}{DIM:#} {value}"));
    }
    text
}
