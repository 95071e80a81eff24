//! `fanfare readers ls`: lists the durable readers.

use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::output::Mode;
use crate::cli::output::style::DIM;
use crate::cli::readers::filter;
use crate::cli::text::{grouped, harmless};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::readers::Reader;
use fanfare_client::Api;

/// List the durable readers and how far behind each is
#[derive(Debug, clap::Args)]
#[command(visible_alias = "list", after_help = examples::examples(&[
    ("All readers", "fanfare readers ls"),
    ("Readers that are behind", "fanfare readers ls -o json | jq '.readers[] | select(.lag > 0)'"),
]))]
pub(crate) struct Args {}

pub(crate) async fn run(_: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let answer = api.readers().await?;
    let readers = &answer.value.readers;
    let output = context.output;
    match output.mode {
        Mode::Human | Mode::Table if readers.is_empty() => {
            output.note(format!("{DIM}no readers yet; create one: fanfare listen --reader laptop{DIM:#}"));
        }
        Mode::Human | Mode::Table => {
            let now = ZonedDateTime::now();
            let rows: Vec<Vec<String>> = readers.iter().map(|reader| row(reader, &now)).collect();
            output.table(&["reader", "lag ", "connected ", "position", "last used", "filter"], &rows)?;
        }
        Mode::Json => output.line(&answer.json)?,
        Mode::Ndjson => crate::cli::each_of(&answer.json, "readers", |json| output.line(json))?,
        Mode::Raw => readers.iter().try_for_each(|reader| output.line(reader.name.as_str()))?,
    }
    Ok(Exit::Ok)
}

fn row(reader: &Reader, now: &ZonedDateTime) -> Vec<String> {
    let most = if reader.lag_is_exact { "" } else { "≤" };
    vec![
        harmless(reader.name.as_str()).into_owned(),
        format!("{most}{}", grouped(reader.lag)),
        grouped(reader.connected as u64),
        reader.position.to_string(),
        time(reader.updated_at, now),
        filter(reader),
    ]
}
