//! `fanfare readers show`: one durable reader.

use fanfare_core::ReaderName;
use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::output::style::{BOLD, DIM};
use crate::cli::readers::{filter, lag, named};
use crate::cli::text::{count, harmless};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::readers::Reader;
use fanfare_client::Api;

/// Show a durable reader
#[derive(Debug, clap::Args)]
#[command(after_help = examples::examples(&[
    ("One reader", "fanfare readers show laptop"),
    ("The event that it acknowledged last", "fanfare readers show laptop -o raw"),
]))]
pub(crate) struct Args {
    /// The reader
    #[arg(value_name = "NAME")]
    name: ReaderName,
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let reader = named(api, &args.name).await?;
    let json = serde_json::to_string(&reader).map_err(std::io::Error::from)?;
    context.output.result(|| shown(&reader), &json, || reader.position.to_string())?;
    Ok(Exit::Ok)
}

fn shown(reader: &Reader) -> String {
    let connected = match reader.connected {
        0 => "no".to_owned(),
        number => count(number as u64, "connection"),
    };
    let rows = [
        ("filter", filter(reader)),
        ("position", format!("after {}", reader.position)),
        ("lag", lag(reader)),
        ("connected", connected),
        ("last used", time(reader.updated_at, &ZonedDateTime::now())),
    ];
    let rows = rows.map(|(head, what)| format!("\n  {DIM}{head:<9}{DIM:#} {what}"));
    format!("{BOLD}{}{BOLD:#}{}", harmless(reader.name.as_str()), rows.concat())
}
