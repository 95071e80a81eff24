//! `fanfare channels`: lists and purges channels.

mod list;
mod rm;

use clap::Subcommand;

use crate::cli::{Context, Exit, Failure, block_on, examples};

/// List and purge channels
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("All channels and their activity", "fanfare channels"),
    ("Purge a channel", "fanfare channels rm runs.4711"),
], "You need not create channels: a push does. A channel that nobody listens to is forgotten once retention has \
    removed its last event."))]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(list::Args),
    Rm(rm::Args),
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    block_on(async {
        match &args.command {
            Some(Command::Ls(_)) | None => list::run(&api, context).await,
            Some(Command::Rm(args)) => rm::run(args, &api, context).await,
        }
    })
}
