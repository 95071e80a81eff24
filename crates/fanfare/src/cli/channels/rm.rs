//! `fanfare channels rm`: purges channels.

use fanfare_core::Channel;

use crate::cli::confirm::confirmed;
use crate::cli::output::Mode;
use crate::cli::purged;
use crate::cli::text::{count, harmless};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_client::Api;

/// Purge channels: erase what their events say
#[derive(Debug, clap::Args)]
#[command(visible_alias = "remove", after_help = examples::with_note(&[
    ("One channel", "fanfare channels rm runs.4711"),
], "The events keep their positions but lose their content, and the channel disappears from the list. Subscribers \
    that read past them get a gap. Waiting deliveries are removed. At a terminal, you are asked to confirm; scripts and \
    agents are not."))]
pub(crate) struct Args {
    /// The channels
    #[arg(value_name = "NAME", required = true)]
    names: Vec<Channel>,
    /// Skip the confirmation prompt
    #[arg(short, long)]
    yes: bool,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let question = match &args.names[..] {
        [one] => format!("Erase all events of channel {}?", harmless(one.as_str())),
        many => format!("Erase all events of {}?", count(many.len() as u64, "channel")),
    };
    if !confirmed(&question, args.yes, context)? {
        return Ok(Exit::Ok);
    }
    let mut answers = Vec::new();
    for name in &args.names {
        let answer = api.purge_channel(name).await?;
        purged::show(name.as_str(), &answer.value.removed, &answer.json, context)?;
        answers.push(answer.json);
    }
    if context.output.mode == Mode::Json {
        context.output.line(format!("{{\"channels\":[{}]}}", answers.join(",")))?;
    }
    Ok(Exit::Ok)
}
