//! `fanfare readers rm`: deletes durable readers.

use fanfare_core::ReaderName;

use crate::cli::confirm::confirmed;
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, SUCCESS};
use crate::cli::text::{count, harmless};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_client::Api;

/// Delete durable readers
#[derive(Debug, clap::Args)]
#[command(visible_alias = "remove", after_help = examples::with_note(&[
    ("One reader", "fanfare readers rm laptop"),
], "Its position is forgotten; the events stay in the log. At a terminal, you are asked to confirm; scripts \
    and agents are not."))]
pub(crate) struct Args {
    /// The readers
    #[arg(value_name = "NAME", required = true)]
    names: Vec<ReaderName>,
    /// Skip the confirmation prompt
    #[arg(short, long)]
    yes: bool,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let question = match &args.names[..] {
        [one] => format!("Delete reader {}?", harmless(one.as_str())),
        many => format!("Delete {}?", count(many.len() as u64, "reader")),
    };
    if !confirmed(&question, args.yes, context)? {
        return Ok(Exit::Ok);
    }
    let output = context.output;
    let mut removed = Vec::new();
    for name in &args.names {
        let answer = api.forget_reader(name).await?;
        match output.mode {
            Mode::Json => removed.push(answer.json),
            Mode::Ndjson => output.line(&answer.json)?,
            Mode::Raw => output.line(name.as_str())?,
            Mode::Human | Mode::Table => output
                .line(format!("{SUCCESS}✓{SUCCESS:#} deleted: {BOLD}{}{BOLD:#}", harmless(name.as_str())))?,
        }
    }
    if output.mode == Mode::Json {
        output.line(format!("{{\"readers\":[{}]}}", removed.join(",")))?;
    }
    Ok(Exit::Ok)
}
