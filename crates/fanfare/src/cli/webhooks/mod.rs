//! `fanfare webhooks`: registers and manages webhooks.

mod add;
pub(crate) mod attempt_rows;
pub(crate) mod attempts;
mod edit;
mod list;
pub(crate) mod named;
mod preview;
pub(crate) mod replay;
mod rm;
mod rotate;
mod show;
mod switching;
pub(crate) mod test;
pub(crate) mod wants;

use clap::Subcommand;

use crate::cli::{Context, Exit, Failure, block_on, examples};

/// The note below the help.
const NOTE: &str = "WEBHOOK is an id, a URL, or a part of a URL that matches only one webhook. Secrets, tokens \
    and passwords are never passed on the command line: they are read FROM a file, `-` for stdin, or \
    `env:NAME` for a variable.";

/// Register and manage webhooks
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Send every event to a URL", "fanfare webhooks add http://localhost:3000/hook"),
    ("See what went wrong", "fanfare webhooks show localhost:3000"),
    ("Send a test event", "fanfare webhooks test localhost:3000"),
    ("See what a webhook gets, without writing a receiver", "fanfare receive --port 3000 --register"),
], NOTE))]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(list::Args),
    Show(show::Args),
    Add(Box<add::Args>),
    Edit(Box<edit::Args>),
    Rm(rm::Args),
    Pause(switching::PauseArgs),
    Resume(switching::ResumeArgs),
    Test(test::Args),
    Preview(Box<preview::Args>),
    RotateSecret(rotate::Args),
    Attempts(attempts::Args),
    Replay(replay::Args),
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    block_on(async {
        match &args.command {
            Command::Ls(args) => list::run(args, &api, context).await,
            Command::Show(args) => show::run(args, &api, context).await,
            Command::Add(args) => add::run(args, &api, context).await,
            Command::Edit(args) => edit::run(args, &api, context).await,
            Command::Rm(args) => rm::run(args, &api, context).await,
            Command::Pause(args) => switching::pause(args, &api, context).await,
            Command::Resume(args) => switching::resume(args, &api, context).await,
            Command::Test(args) => test::run(args, &api, context).await,
            Command::Preview(args) => preview::run(args, &api, context).await,
            Command::RotateSecret(args) => rotate::run(args, &api, context).await,
            Command::Attempts(args) => attempts::run(args, &api, context).await,
            Command::Replay(args) => replay::run(args, &api, context).await,
        }
    })
}
