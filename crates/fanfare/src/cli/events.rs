//! `fanfare events`: redacts single events.

use clap::Subcommand;
use fanfare_core::Position;

use crate::cli::confirm::confirmed;
use crate::cli::output::Mode;
use crate::cli::purged;
use crate::cli::text::count;
use crate::cli::{Context, Exit, Failure, block_on, examples};
use fanfare_client::Api;

/// Redact single events
#[derive(Debug, clap::Args)]
#[command(after_help = examples::examples(&[
    ("Find an event", "fanfare history --text sk_live_"),
    ("Erase what it says", "fanfare events redact k3f9x2ab-1042"),
]))]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Redact(RedactArgs),
}

/// Erase what events say, such as a secret that was pushed by mistake
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("One event", "fanfare events redact k3f9x2ab-1042"),
    ("Find it first", "fanfare history --text sk_live_"),
], "The event stays in the log as an empty place; subscribers that read past it get a gap. Its waiting deliveries \
    are removed. Clients that have received it keep it, so replace the secret too. At a terminal, you are asked to \
    confirm; scripts and agents are not."))]
struct RedactArgs {
    /// The events
    #[arg(value_name = "ID", required = true)]
    ids: Vec<Position>,
    /// Skip the confirmation prompt
    #[arg(short, long)]
    yes: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let api = context.settings.api()?;
    block_on(async {
        match &args.command {
            Command::Redact(args) => redact(args, &api, context).await,
        }
    })
}

async fn redact(args: &RedactArgs, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let question = match &args.ids[..] {
        [one] => format!("Erase what event {one} says?"),
        many => format!("Erase what {} say?", count(many.len() as u64, "event")),
    };
    if !confirmed(&question, args.yes, context)? {
        return Ok(Exit::Ok);
    }
    let mut answers = Vec::new();
    for id in &args.ids {
        let answer = api.redact_event(*id).await?;
        purged::show(&id.to_string(), &answer.value.removed, &answer.json, context)?;
        answers.push(answer.json);
    }
    if context.output.mode == Mode::Json {
        context.output.line(format!("{{\"events\":[{}]}}", answers.join(",")))?;
    }
    Ok(Exit::Ok)
}
