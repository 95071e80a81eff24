//! `fanfare readers`: lists and manages durable readers.

mod list;
mod reset;
mod rm;
mod set;
mod show;

use clap::Subcommand;

use fanfare_core::ReaderName;

use crate::cli::filter_words::filter_words;
use crate::cli::suggestion::closest;
use crate::cli::text::{count, grouped, harmless};
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_api::readers::Reader;
use fanfare_client::Api;

/// List and manage durable readers
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Create one, or continue where it stopped", "fanfare listen 'builds.>' --reader laptop"),
    ("See how far behind each reader is", "fanfare readers ls"),
    ("Get the last hour again", "fanfare readers reset laptop --to 1h"),
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
    Show(show::Args),
    Set(set::Args),
    Reset(reset::Args),
    Rm(rm::Args),
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    block_on(async {
        match &args.command {
            Command::Ls(args) => list::run(args, &api, context).await,
            Command::Show(args) => show::run(args, &api, context).await,
            Command::Reset(args) => reset::run(args, &api, context).await,
            Command::Set(args) => set::run(args, &api, context).await,
            Command::Rm(args) => rm::run(args, &api, context).await,
        }
    })
}

/// Describes the filter of a reader.
fn filter(reader: &Reader) -> String {
    filter_words(&reader.channels, &reader.types, reader.min_priority.as_str(), reader.text.as_deref())
}

/// Describes how far behind a reader is.
fn lag(reader: &Reader) -> String {
    match (reader.lag, reader.lag_is_exact) {
        (0, true) => "nothing to read".to_owned(),
        (lag, true) => format!("{} to read", count(lag, "event")),
        (lag, false) => format!("at most {} to read", grouped(lag)),
    }
}

/// Finds the reader `name`.
async fn named(api: &Api, name: &ReaderName) -> Result<Reader, Failure> {
    let readers = api.readers().await?.value.readers;
    if let Some(reader) = readers.iter().find(|reader| reader.name == *name) {
        return Ok(reader.clone());
    }
    let known = readers.iter().map(|reader| (reader, reader.name.as_str(), name.as_str()));
    let fix = match closest(known) {
        Some(reader) => format!("did you mean `{}`? `fanfare readers ls` lists the readers", reader.name),
        None => "`fanfare readers ls` lists the readers".to_owned(),
    };
    Err(Failure::not_found(format!("there is no reader `{}`", harmless(name.as_str()))).fix(fix))
}
