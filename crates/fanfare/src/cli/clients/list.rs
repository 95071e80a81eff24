//! `fanfare clients ls`: lists connected clients.

use jiff::ZonedDateTime;

use crate::cli::event_line::time;
use crate::cli::output::Mode;
use crate::cli::output::style::DIM;
use crate::cli::text::{grouped, harmless, shortened};
use crate::cli::{Context, Exit, Failure, examples};
use fanfare_api::clients::ClientEntry;
use fanfare_client::Api;
use fanfare_core::{Pattern, ReaderName};

/// List connected clients
#[derive(Debug, clap::Args)]
#[command(visible_alias = "list", after_help = examples::examples(&[
    ("All clients", "fanfare clients ls"),
    ("Clients that are behind", "fanfare clients ls -o json | jq '.clients[] | select(.lag > 0)'"),
]))]
pub(crate) struct Args {}

/// Maximum width of the column of patterns.
const PATTERNS_CHARS_MAX: usize = 30;

/// Maximum width of the name of a session's software.
const SOFTWARE_CHARS_MAX: usize = 16;

pub(crate) async fn run(api: &Api, context: &Context) -> Result<Exit, Failure> {
    let answer = api.clients().await?;
    let clients = &answer.value.clients;
    let output = context.output;
    match output.mode {
        Mode::Human | Mode::Table if clients.is_empty() => {
            output.note(format!("{DIM}no connected clients; try: fanfare listen{DIM:#}"));
        }
        Mode::Human | Mode::Table => {
            let now = ZonedDateTime::now();
            let rows: Vec<Vec<String>> = clients.iter().map(|client| row(client, &now)).collect();
            let heads = ["client", "by", "address", "channels", "reader", "state", "lag ", "since"];
            output.table(&heads, &rows)?;
        }
        Mode::Json => output.line(&answer.json)?,
        Mode::Ndjson => crate::cli::each_of(&answer.json, "clients", |json| output.line(json))?,
        Mode::Raw => clients.iter().try_for_each(|client| output.line(&client.id))?,
    }
    Ok(Exit::Ok)
}

fn row(client: &ClientEntry, now: &ZonedDateTime) -> Vec<String> {
    let patterns = client.channels.iter().map(Pattern::as_str).collect::<Vec<_>>().join(" ");
    let address = client.address.map_or_else(|| "–".to_owned(), |address| address.to_string());
    let cells = [
        client.id.as_str(),
        &*how(client),
        address.as_str(),
        &*shortened(&patterns, PATTERNS_CHARS_MAX),
        client.reader.as_ref().map_or("–", ReaderName::as_str),
        client.state.as_str(),
        &grouped(client.lag),
        &time(client.connected_at, now),
    ];
    cells.map(|cell| harmless(cell).into_owned()).to_vec()
}

/// Describes how a client is connected: of a session of MCP, the name of its software, or its wire.
fn how(client: &ClientEntry) -> String {
    let transport = client.transport.as_str();
    let Some(session) = &client.session else { return transport.to_owned() };
    let name = session.client_name.as_deref().unwrap_or(session.wire.as_str());
    format!("{transport} {}", shortened(name, SOFTWARE_CHARS_MAX))
}
