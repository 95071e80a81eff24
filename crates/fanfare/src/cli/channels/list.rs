//! `fanfare channels ls`: lists channels and their activity.

use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::output::Mode;
use crate::cli::output::style::DIM;
use crate::cli::text::{grouped, harmless};
use crate::cli::{Context, Exit, Failure, each_of, examples};
use fanfare_api::channels::ChannelEntry;
use fanfare_client::Api;

/// List channels and their activity
#[derive(Debug, clap::Args)]
#[command(visible_alias = "list", after_help = examples::examples(&[
    ("All channels", "fanfare channels ls"),
    ("Only the names", "fanfare channels ls -o raw"),
    ("The busiest channel", "fanfare channels ls -o json | jq '.channels | max_by(.rate)'"),
]))]
pub(crate) struct Args {}

pub(crate) async fn run(api: &Api, context: &Context) -> Result<Exit, Failure> {
    let answer = api.channels().await?;
    let channels = &answer.value.channels;
    let output = context.output;
    match output.mode {
        Mode::Human | Mode::Table if channels.is_empty() => {
            output.note(format!("{DIM}no channels yet; create one: fanfare push -c builds \"hello\"{DIM:#}"));
        }
        Mode::Human | Mode::Table => {
            let now = ZonedDateTime::now();
            let rows: Vec<Vec<String>> = channels.iter().map(|channel| row(channel, &now)).collect();
            output.table(&["channel", "events ", "per second ", "subscribers ", "last event"], &rows)?;
        }
        Mode::Json => output.line(&answer.json)?,
        Mode::Ndjson => each_of(&answer.json, "channels", |json| output.line(json))?,
        Mode::Raw => channels.iter().try_for_each(|channel| output.line(channel.name.as_str()))?,
    }
    Ok(Exit::Ok)
}

fn row(channel: &ChannelEntry, now: &ZonedDateTime) -> Vec<String> {
    vec![
        harmless(channel.name.as_str()).into_owned(),
        grouped(channel.events),
        format!("{:.1}", channel.rate),
        grouped(channel.stream_clients as u64),
        time(channel.last_timestamp, now),
    ]
}
