//! `fanfare readers set`: sets the filter and the position of a durable reader.

use fanfare_core::{Pattern, Position, ReaderName};

use crate::cli::filter_flags::FilterFlags;
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::readers::filter;
use crate::cli::text::harmless;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::readers::ReaderSettings;
use fanfare_client::Api;

/// Set the filter and the position of a durable reader
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Listen to other channels from now on", "fanfare readers set laptop 'builds.>' 'deploys.>'"),
    ("Get the events after this one again", "fanfare readers set laptop 'builds.>' --position k3f9x2ab-1042"),
], "The filter is replaced as a whole: what you leave out lets everything pass. A reader that does not exist \
    is created, at the end of the log unless you give a position. Connections that are open keep the filter \
    that they began with."))]
pub(crate) struct Args {
    /// The reader
    #[arg(value_name = "NAME")]
    name: ReaderName,
    /// Channel patterns [default: all]
    #[arg(value_name = "PATTERN")]
    patterns: Vec<Pattern>,
    #[command(flatten)]
    filter: FilterFlags,
    /// Count everything up to this event as acknowledged, and nothing after it
    #[arg(long, value_name = "ID")]
    position: Option<Position>,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let FilterFlags { event_type, min_priority, text } = &args.filter;
    let settings = ReaderSettings {
        channels: args.patterns.clone(),
        types: event_type.clone(),
        min_priority: min_priority.map(|priority| priority.as_str().into()),
        text: text.as_deref().map(Box::from),
        position: args.position,
    };
    let answer = api.set_reader(&args.name, &settings).await?;
    let reader = &answer.value;
    let human = || {
        format!(
            "{SUCCESS}✓{SUCCESS:#} {BOLD}{}{BOLD:#} {DIM}after{DIM:#} {} {DIM}·{DIM:#} {}",
            harmless(reader.name.as_str()),
            reader.position,
            filter(reader)
        )
    };
    context.output.result(human, &answer.json, || reader.name.to_string())?;
    Ok(Exit::Ok)
}
