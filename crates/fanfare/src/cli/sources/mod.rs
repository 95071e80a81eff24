//! `fanfare sources`: lists and manages the addresses that other programs send to.

mod add;
mod list;
mod rm;
mod show;

use clap::Subcommand;

use crate::cli::{Context, Exit, Failure, block_on, examples};

/// List and manage the addresses that other programs send to
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("An address for GitLab, with a secret for its `Secret token`", "fanfare sources add gitlab"),
    ("For a sender that signs with HMAC",
     "fanfare sources add shop --kind custom --verify hmac-sha256:X-Signature --secret shop.secret"),
    ("See what arrives, and what is refused", "fanfare sources show gitlab"),
    ("Close an address that exists from the start", "fanfare sources rm generic"),
], "Programs send to /ingest/NAME. The sources `generic`, `github`, `stripe`, `standard-webhooks`, \
    `alertmanager` and `claude-code` exist from the start; add one under the same name to change it."))]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(list::Args),
    Add(add::Args),
    Show(show::Args),
    Rm(rm::Args),
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    block_on(async {
        match &args.command {
            Command::Ls(args) => list::run(args, &api, context).await,
            Command::Add(args) => add::run(args, &api, context).await,
            Command::Show(args) => show::run(args, &api, context).await,
            Command::Rm(args) => rm::run(args, &api, context).await,
        }
    })
}
