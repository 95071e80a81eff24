//! `fanfare readers reset`: moves durable readers to another place in the log.

use fanfare_core::{Invalid, Position, ReaderName, Start};

use crate::cli::output::Mode;
use crate::cli::output::style::{BOLD, DIM, SUCCESS};
use crate::cli::readers::{lag, named};
use crate::cli::text::harmless;
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::readers::ReaderSettings;
use fanfare_client::Api;

/// Move a durable reader forward or back in the log
#[derive(Debug, clap::Args)]
#[command(after_help = examples::with_note(&[
    ("Get everything again that is kept", "fanfare readers reset laptop --to earliest"),
    ("Get the last hour again", "fanfare readers reset laptop --to 1h"),
    ("Skip what it has not read", "fanfare readers reset laptop --to latest"),
    ("Continue after this event", "fanfare readers reset laptop --to k3f9x2ab-1042"),
], "The reader keeps its filter. Connections that are open go on from where they are, and what they acknowledge moves the \
    reader again: end them first."))]
pub(crate) struct Args {
    /// The readers
    #[arg(value_name = "NAME", required = true)]
    names: Vec<ReaderName>,
    /// Where to: `earliest`, `latest`, a time (10m, 2h, 7d or RFC 3339), or the
    /// id of the event after which to continue
    #[arg(long, value_name = "PLACE")]
    to: Place,
}

/// A place in the log, as it was given.
#[derive(Debug, Clone)]
enum Place {
    /// After this event.
    After(Position),
    /// After the newest event.
    Latest,
    /// Before the first event at or after this time, or before the oldest: `since` as the interface takes it.
    Since(String),
}

impl std::str::FromStr for Place {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Place, Invalid> {
        if text == "latest" {
            return Ok(Place::Latest);
        }
        if let Ok(position) = text.parse() {
            return Ok(Place::After(position));
        }
        let fix = "write `earliest`, `latest`, a duration such as `10m` (so long ago), RFC 3339 such as \
                   `2026-11-21T08:00:00Z`, or the id of an event";
        Start::since(text)
            .map(|_| Place::Since(text.to_owned()))
            .map_err(|error| Invalid { fix: fix.into(), ..error })
    }
}

pub(crate) async fn run(args: &Args, api: &Api, context: &Context) -> Result<Exit, Failure> {
    let output = context.output;
    let mut moved = Vec::new();
    for name in &args.names {
        let reader = named(api, name).await?;
        let settings = ReaderSettings {
            channels: reader.channels,
            types: reader.types,
            min_priority: Some(reader.min_priority),
            text: reader.text,
            position: Some(position(&args.to, api).await?),
        };
        let answer = api.set_reader(name, &settings).await?;
        let reader = &answer.value;
        match output.mode {
            Mode::Json => moved.push(answer.json),
            Mode::Ndjson => output.line(&answer.json)?,
            Mode::Raw => output.line(reader.position.to_string())?,
            Mode::Human | Mode::Table => output.line(format!(
                "{SUCCESS}✓{SUCCESS:#} {BOLD}{}{BOLD:#} {DIM}continues after{DIM:#} {} {DIM}·{DIM:#} {}",
                harmless(name.as_str()),
                reader.position,
                lag(&named(api, name).await?),
            ))?,
        }
    }
    if output.mode == Mode::Json {
        output.line(format!("{{\"readers\":[{}]}}", moved.join(",")))?;
    }
    Ok(Exit::Ok)
}

/// Finds the position in the log that a place means.
async fn position(place: &Place, api: &Api) -> Result<Position, Failure> {
    let since = match place {
        Place::After(position) => return Ok(*position),
        Place::Latest => return Ok(api.status().await?.value.last),
        Place::Since(since) => since.clone(),
    };
    // The end is read first: what is appended in between comes after it.
    let end = api.status().await?.value.last;
    let query = [("since", since), ("order", "oldest".to_owned()), ("limit", "1".to_owned())];
    let page = api.history(&query).await?.value;
    let Some(first) = page.events.first() else { return Ok(end) };
    #[derive(serde::Deserialize)]
    struct Id {
        id: Position,
    }
    let first: Id = serde_json::from_str(first.get())
        .map_err(|error| Failure::failed("the gateway's answer cannot be read").why(error.to_string()))?;
    Ok(Position { seq: first.id.seq.saturating_sub(1), ..first.id })
}
