//! `fanfare clients`: lists and disconnects clients.

mod kick;
mod list;

use clap::Subcommand;

use crate::cli::{Context, Exit, Failure, block_on, examples};

/// List and disconnect clients
#[derive(Debug, clap::Args)]
#[command(after_help = examples::examples(&[
    ("All clients", "fanfare clients"),
    ("Disconnect one, and keep it away for a while", "fanfare clients kick cl_7 --deny-for 10m"),
]))]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(list::Args),
    Kick(kick::Args),
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    block_on(async {
        match &args.command {
            Some(Command::Ls(_)) | None => list::run(&api, context).await,
            Some(Command::Kick(args)) => kick::run(args, &api, context).await,
        }
    })
}
