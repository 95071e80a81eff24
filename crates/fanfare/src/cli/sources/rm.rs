//! `fanfare sources rm`: removes sources.

use fanfare_core::SourceName;

use crate::cli::confirm::confirmed;
use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, SUCCESS};
use crate::cli::text::count;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_client::Api;

/// Remove sources, so that nobody can send there
#[derive(Debug, clap::Args)]
#[command(visible_alias = "remove", after_help = examples::with_note(&[
    ("One source", "fanfare sources rm shop"),
    ("Close the address that takes anything", "fanfare sources rm generic"),
], "A source that exists from the start is closed; `fanfare sources add` opens it again. Events stay in the \
    log. At a terminal, you are asked to confirm; scripts and agents are not."))]
pub(crate) struct Args {
    /// The sources
    #[arg(value_name = "NAME", required = true)]
    names: Vec<SourceName>,
    /// Skip the confirmation prompt
    #[arg(short, long)]
    yes: bool,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let question = match &args.names[..] {
        [one] => format!("Remove source {one}?"),
        many => format!("Remove {}?", count(many.len() as u64, "source")),
    };
    if !confirmed(&question, args.yes, context)? {
        return Ok(Exit::Ok);
    }
    let output = context.output;
    let mut removed = Vec::new();
    for name in &args.names {
        let answer = api.remove_source(name).await?;
        match output.mode {
            Mode::Json => removed.push(answer.json),
            Mode::Ndjson => output.line(&answer.json)?,
            Mode::Raw => output.line(name.as_str())?,
            Mode::Human | Mode::Table => {
                let did = if answer.value.built_in { "closed" } else { "removed" };
                output.line(format!("{SUCCESS}✓{SUCCESS:#} {did}: {BOLD}{name}{BOLD:#}"))?;
            }
        }
    }
    if output.mode == Mode::Json {
        output.line(format!("{{\"sources\":[{}]}}", removed.join(",")))?;
    }
    Ok(Exit::Ok)
}
