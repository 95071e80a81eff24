//! What a gateway answers. Members that a later version adds are passed over.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// An answer: what we read in it, and its text, for those who want it as it came.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What we read in it.
    pub value: T,
    /// The JSON, on one line.
    pub json: Box<str>,
}

/// An event as it came.
pub type Received = Answer<Event>;

impl<T: DeserializeOwned> Answer<T> {
    /// Reads JSON.
    pub fn read(json: &str) -> Result<Answer<T>, serde_json::Error> {
        let json = json.trim();
        Ok(Answer { value: serde_json::from_str(json)?, json: json.into() })
    }
}

/// An event.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// Its position.
    pub id: String,
    /// Where it was pushed to.
    pub channel: String,
    /// What kind of event it is.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The text.
    pub message: String,
    /// Further data.
    #[serde(default)]
    pub data: Option<Box<RawValue>>,
    /// How much it matters.
    pub priority: String,
    /// The conflation key.
    #[serde(default)]
    pub key: Option<String>,
    /// When it was appended.
    pub timestamp: String,
    /// Where it came from.
    pub source: Source,
}

/// Where an event came from.
#[derive(Debug, Clone, Deserialize)]
pub struct Source {
    /// Who pushed it.
    pub principal: String,
    /// Through which door.
    pub door: String,
}

/// The answer to a push of one event.
#[derive(Debug, Clone, Deserialize)]
pub struct Pushed {
    /// Its position.
    pub id: String,
    /// Where it went.
    pub channel: String,
    /// How many live subscriptions it matches.
    pub stream_clients: u64,
    /// How many webhooks took it, of those that were waited for.
    #[serde(default)]
    pub webhooks_notified: u64,
    /// It was already there.
    #[serde(default)]
    pub repeated: bool,
}

/// The answer to a push of a batch.
#[derive(Debug, Clone, Deserialize)]
pub struct PushedBatch {
    /// How many events.
    pub count: u64,
    /// Their positions.
    #[serde(default)]
    pub ids: Vec<String>,
    /// The last position.
    pub last_id: String,
}

/// A page of history; the events keep their text.
#[derive(Debug, Clone, Deserialize)]
pub struct History {
    /// The events, in the order asked for.
    pub events: Vec<Box<RawValue>>,
    /// Where the next page starts.
    #[serde(default)]
    pub next: Option<String>,
    /// The oldest position that is kept.
    #[serde(default)]
    pub first: Option<String>,
    /// The log's last position.
    #[serde(default)]
    pub last: Option<String>,
}

/// The channels there are.
#[derive(Debug, Clone, Deserialize)]
pub struct Channels {
    /// In order of their names.
    pub channels: Vec<ChannelRow>,
}

/// A channel.
#[derive(Debug, Clone, Deserialize)]
pub struct ChannelRow {
    /// Its name.
    pub channel: String,
    /// How many events it ever had.
    pub events: u64,
    /// The position of the last.
    pub last_id: String,
    /// The timestamp of the last.
    pub last_timestamp: String,
    /// Events per second over the last minute.
    pub rate: f64,
    /// How many live subscriptions match it.
    pub stream_clients: u64,
}

/// Who is connected.
#[derive(Debug, Clone, Deserialize)]
pub struct Clients {
    /// The connections.
    pub clients: Vec<ClientRow>,
}

/// A live subscription.
#[derive(Debug, Clone, Deserialize)]
pub struct ClientRow {
    /// Its number.
    pub client: u64,
    /// `sse`, `websocket` or `mcp`.
    pub transport: String,
    /// Who it is.
    pub principal: String,
    /// Where it calls from; nothing for who started the gateway's process.
    #[serde(default)]
    pub address: Option<String>,
    /// Which channels it wants.
    pub patterns: Vec<String>,
    /// Its durable name.
    #[serde(default)]
    pub reader: Option<String>,
    /// Since when.
    pub connected_at: String,
    /// Where it is.
    #[serde(default)]
    pub position: Option<String>,
    /// How many events it is behind.
    pub lag: u64,
    /// `live`, `replaying` or `stalled`.
    pub state: String,
}

/// How a gateway is.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// `fanfare`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its store's engine.
    pub store: String,
    /// How long it runs.
    pub uptime_seconds: u64,
    /// How many live subscriptions it has.
    pub stream_clients: u64,
    /// The log's last position.
    #[serde(default)]
    pub last: Option<String>,
}
