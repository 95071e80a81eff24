//! `fanfare clients kick`: disconnects clients.

use std::time::Duration;

use fanfare_core::duration;

use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::text::harmless;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_client::Api;

/// Disconnect clients
#[derive(Debug, clap::Args)]
#[command(visible_alias = "disconnect", after_help = examples::with_note(&[
    ("End a stream that should not be there", "fanfare clients kick cl_7"),
    ("Keep the client away for ten minutes", "fanfare clients kick cl_7 --deny-for 10m"),
], "Most clients return by themselves. With --deny-for, the gateway refuses a client that comes from the same address \
    over the same transport, with the same name (User-Agent), reader and filter. A browser then stops for good. Others \
    behind that address are refused only if all of this is the same. A restart of the gateway ends the denial."))]
pub(crate) struct Args {
    /// The clients, as `fanfare clients` lists them
    #[arg(value_name = "ID", required = true, value_parser = client_id)]
    ids: Vec<String>,
    /// Refuse the client for this long: 1s to 24h
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    deny_for: Option<Duration>,
}

/// Reads an id; the gateway knows which ones exist.
fn client_id(text: &str) -> Result<String, &'static str> {
    let is_id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_id.then(|| text.to_owned()).ok_or("an id has letters, digits and `_`, as in `cl_7`")
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let output = context.output;
    let mut answers = Vec::new();
    for id in &args.ids {
        let answer = api.disconnect(id, args.deny_for).await?;
        match output.mode {
            Mode::Json => answers.push(answer.json),
            Mode::Ndjson => output.line(&answer.json)?,
            Mode::Raw => output.line(&answer.value.id)?,
            Mode::Human | Mode::Table => {
                let client = &answer.value;
                let address = client.address.map_or_else(String::new, |address| format!(" {address}"));
                let transport = harmless(client.transport.as_str());
                let id = harmless(&client.id);
                output.line(format!(
                    "{SUCCESS}✓{SUCCESS:#} disconnected: {BOLD}{id}{BOLD:#} {DIM}{transport}{address}{DIM:#}"
                ))?;
            }
        }
    }
    match output.mode {
        Mode::Json => output.line(format!("{{\"clients\":[{}]}}", answers.join(",")))?,
        Mode::Human | Mode::Table if args.deny_for.is_none() => {
            output.note(format!(
                "{DIM}most clients return by themselves; to keep one away: --deny-for 10m{DIM:#}"
            ));
        }
        Mode::Human | Mode::Table | Mode::Ndjson | Mode::Raw => {}
    }
    Ok(Exit::Ok)
}
