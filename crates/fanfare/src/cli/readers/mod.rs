//! `fanfare readers`: lists and manages durable readers.

mod list;
mod rm;
mod set;

use clap::Subcommand;

use crate::cli::output::style::DIM;
use crate::cli::text::harmless;
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_api::readers::Reader;

/// List and manage durable readers
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Create one, or continue where it stopped", "fanfare listen 'builds.>' --reader laptop"),
    ("See how far behind each reader is", "fanfare readers ls"),
    ("Let one listen to other channels", "fanfare readers set laptop 'deploys.>'"),
], "A reader is a named position in the log that moves when events are acknowledged. Listening never \
    changes the filter or the position of a reader that exists; set does."))]
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
fn filter_words(reader: &Reader) -> String {
    let patterns: Vec<String> = reader.channels.iter().map(ToString::to_string).collect();
    let mut text = harmless(&patterns.join(" ")).into_owned();
    if !reader.types.is_empty() {
        let types: Vec<&str> = reader.types.iter().map(|one| one.as_str()).collect();
        text.push_str(&format!(" {DIM}type{DIM:#} {}", harmless(&types.join(", "))));
    }
    if reader.min_priority.as_str() != "min" {
        text.push_str(&format!(" {DIM}priority{DIM:#} {}", reader.min_priority));
    }
    if let Some(wanted) = &reader.text {
        text.push_str(&format!(" {DIM}text{DIM:#} {}", harmless(wanted)));
    }
    text
}
