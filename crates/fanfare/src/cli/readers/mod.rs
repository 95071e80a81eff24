//! `fanfare readers`: lists and manages durable readers.

mod list;
mod rm;
mod set;

use clap::Subcommand;

use crate::cli::filter_words::filter_words;
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_api::readers::Reader;

/// List and manage durable readers
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Create one, or continue where it stopped", "fanfare listen 'builds.>' --reader laptop"),
    ("See how far behind each reader is", "fanfare readers ls"),
    ("Let one listen to other channels", "fanfare readers set laptop 'deploys.>'"),
], "A reader is a named position in the log, with a filter. `fanfare listen --reader` moves the position as \
    it prints events. With patterns, types or a priority that differ, it also replaces the filter."))]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(list::Args),
    Set(set::Args),
    Rm(rm::Args),
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    block_on(async {
        match &args.command {
            Command::Ls(args) => list::run(args, &api, context).await,
            Command::Set(args) => set::run(args, &api, context).await,
            Command::Rm(args) => rm::run(args, &api, context).await,
        }
    })
}

/// Describes the filter of a reader.
fn filter(reader: &Reader) -> String {
    filter_words(&reader.channels, &reader.types, reader.min_priority.as_str(), reader.text.as_deref())
}
