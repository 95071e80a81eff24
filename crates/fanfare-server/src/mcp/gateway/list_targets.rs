//! `list_targets`: the channels to push to, and their subscribers.

use std::sync::LazyLock;

use fanfare_core::{Channel, EventType, Pattern, Position, Principal, Priority, ReaderName, Timestamp};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Tool;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{count, said};
use crate::mcp::gateway::untrusted::neutral;
use crate::mcp::gateway::webhooks::row::Row;
use crate::mcp::gateway::{Gateway, LOOKS, ToolEntry, arguments};
use crate::mcp::toolset::Toolset;

/// The name of the tool.
pub(super) const NAME: &str = "list_targets";

const EXAMPLE: &str = r#"{"channel": "builds.web"}"#;

/// Maximum rows of each kind: a thousand connections would be 60,000 tokens.
const LIMIT_MAX: u64 = 100;
/// Default rows of each kind.
const LIMIT_DEFAULT: u64 = 20;
/// Maximum patterns and types shown for one client; a filter can have 64 of each.
const TERMS_MAX: usize = 8;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "kind": {
                "type": "string",
                "enum": ["channels", "clients", "webhooks"],
                "description": "Only this kind; default: all three",
            },
            "channel": {
                "type": "string",
                "description": "Only what concerns this channel, such as `builds.web`: who would receive a push to it",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": LIMIT_MAX,
                "description": "Maximum number of entries of each kind",
                "default": LIMIT_DEFAULT,
            },
        },
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let channel = json!({
        "type": "object",
        "properties": {
            "channel": { "type": "string" },
            "events": { "type": "integer", "description": "Total events pushed to it" },
            "last_id": { "type": "string" },
            "last_timestamp": { "type": "string", "description": "ISO 8601" },
            "rate": { "type": "number", "description": "Events per second over the last minute" },
            "stream_clients": { "type": "integer", "description": "Number of live subscribers" },
        },
        "required": ["channel", "events", "last_id", "last_timestamp", "rate", "stream_clients"],
        "additionalProperties": false,
    });
    let client = json!({
        "type": "object",
        "properties": {
            "client": { "type": "integer" },
            "transport": { "type": "string", "enum": ["mcp", "sse", "websocket"] },
            "principal": { "type": "string", "description": "Who opened it" },
            "patterns": { "type": "array", "items": { "type": "string" }, "description": "At most 8 of them" },
            "types": { "type": "array", "items": { "type": "string" }, "description": "Only these types; at most 8 of them; none means all" },
            "min_priority": { "type": "string" },
            "reader": { "type": "string", "description": "The durable reader that this connection belongs to" },
            "connected_at": { "type": "string", "description": "ISO 8601" },
            "lag": { "type": "integer", "description": "Number of events it has not yet received" },
            "state": { "type": "string", "enum": ["live", "replaying", "stalled"] },
        },
        "required": ["client", "transport", "principal", "patterns", "types", "min_priority", "connected_at", "lag", "state"],
        "additionalProperties": false,
    });
    let webhook = json!({
        "type": "object",
        "properties": Row::properties(),
        "required": Row::REQUIRED,
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {
            "channels": { "type": "array", "items": channel, "description": "Most recently used first" },
            "channels_total": { "type": "integer" },
            "clients": { "type": "array", "items": client, "description": "The oldest connection first" },
            "clients_total": { "type": "integer" },
            "webhooks": { "type": "array", "items": webhook, "description": "The oldest first" },
            "webhooks_total": { "type": "integer" },
        },
        "additionalProperties": false,
    })
});

/// Describes the tool.
pub(super) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME,
        title: "List channels, subscribers and webhooks",
        description: "List where you can push and who would get it: channels with their rates, live subscribers with \
                      their lag, registered webhooks. Use when choosing a channel, or to check that anyone is \
                      listening before you rely on it. Not for what was said on a channel; use `read_history`. \
                      Read-only, takes milliseconds. Example: {\"channel\": \"builds.web\"}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: LOOKS,
    };
    ToolEntry { tool, toolset: Toolset::ReadOnly }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    kind: Option<Kind>,
    channel: Option<String>,
    limit: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Channels,
    Clients,
    Webhooks,
}

#[derive(Default, Serialize)]
struct StructuredContent {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    channels: Option<Channels>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    clients: Option<Clients>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    webhooks: Option<Webhooks>,
}

#[derive(Serialize)]
struct Channels {
    channels: Vec<ChannelEntry>,
    channels_total: usize,
}

#[derive(Serialize)]
struct ChannelEntry {
    channel: Channel,
    events: u64,
    last_id: Position,
    last_timestamp: Timestamp,
    rate: f64,
    stream_clients: usize,
}

#[derive(Serialize)]
struct Clients {
    clients: Vec<ClientEntry>,
    clients_total: usize,
}

#[derive(Serialize)]
struct ClientEntry {
    client: u64,
    transport: &'static str,
    principal: String,
    patterns: Vec<Pattern>,
    types: Vec<EventType>,
    min_priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<ReaderName>,
    connected_at: Timestamp,
    lag: u64,
    state: &'static str,
}

#[derive(Serialize)]
struct Webhooks {
    webhooks: Vec<Row>,
    webhooks_total: usize,
}

impl Gateway {
    /// Lists channels, clients and webhooks; the error is for the model.
    pub(super) fn list_targets(&self, by: &Principal, given: &str) -> Result<Outcome, String> {
        let given: Arguments = arguments::read(given, &INPUT, EXAMPLE)?;
        let limit = arguments::within("limit", given.limit, 1..=LIMIT_MAX, LIMIT_DEFAULT, EXAMPLE)? as usize;
        let channel: Option<Channel> = given
            .channel
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|invalid| arguments::refuse("channel", &invalid, EXAMPLE))?;
        let wants = |kind| given.kind.is_none_or(|wanted| wanted == kind);
        let found = StructuredContent {
            channels: wants(Kind::Channels).then(|| self.list_channels(by, channel.as_ref(), limit)),
            clients: wants(Kind::Clients).then(|| self.list_clients(by, channel.as_ref(), limit)),
            webhooks: wants(Kind::Webhooks).then(|| self.list_webhooks(by, channel.as_ref(), limit)),
        };
        Ok(said(describe(&found, channel.as_ref()), &found))
    }

    fn list_channels(&self, by: &Principal, only: Option<&Channel>, limit: usize) -> Channels {
        let mut channels = self.hub.channels(by);
        channels.retain(|(row, _, _)| only.is_none_or(|only| row.channel == *only));
        let channels_total = channels.len();
        channels.sort_unstable_by_key(|(row, _, _)| std::cmp::Reverse(row.last_seq));
        let entry =
            |(row, rate, stream_clients): (fanfare_hub::values::ChannelRow, f64, usize)| ChannelEntry {
                channel: row.channel,
                events: row.events,
                last_id: self.hub.position(row.last_seq),
                last_timestamp: row.last_timestamp,
                rate: (rate * 1_000.0).round() / 1_000.0,
                stream_clients,
            };
        Channels { channels: channels.into_iter().take(limit).map(entry).collect(), channels_total }
    }

    fn list_webhooks(&self, by: &Principal, only: Option<&Channel>, limit: usize) -> Webhooks {
        let mut entries = self.webhooks.list(by);
        entries.retain(|entry| only.is_none_or(|only| entry.webhook().options.filter.matches_channel(only)));
        let shown = entries.iter().take(limit).map(|entry| Row::of(entry, &self.hub));
        Webhooks { webhooks: shown.collect(), webhooks_total: entries.len() }
    }

    fn list_clients(&self, by: &Principal, only: Option<&Channel>, limit: usize) -> Clients {
        let head = self.hub.extent().last;
        let mut clients = self.hub.clients(by);
        clients.retain(|client| only.is_none_or(|only| client.feed.filter.matches_channel(only)));
        let entries = clients.iter().take(limit).map(|client| ClientEntry {
            client: client.id,
            transport: client.transport.as_str(),
            principal: client.principal.name().to_string(),
            patterns: client.feed.filter.patterns().iter().take(TERMS_MAX).cloned().collect(),
            types: client.feed.filter.types().iter().take(TERMS_MAX).cloned().collect(),
            min_priority: client.feed.filter.min_priority(),
            reader: client.reader.clone(),
            connected_at: client.connected_at,
            lag: client.lag(head),
            state: client.state().as_str(),
        });
        Clients { clients: entries.collect(), clients_total: clients.len() }
    }
}

fn describe(found: &StructuredContent, channel: Option<&Channel>) -> String {
    let place = channel.map_or_else(String::new, |channel| format!(" on `{channel}`"));
    let mut sentences = Vec::new();
    let mut lines = Vec::new();
    if let Some(Channels { channels, channels_total }) = &found.channels {
        sentences.push(match channel {
            Some(channel) if channels.is_empty() => {
                format!("`{channel}` has no events yet; the first push creates it.")
            }
            _ => format!("{}{}.", count(*channels_total, "channel"), shown(channels.len(), *channels_total)),
        });
        lines.extend(channels.iter().map(|entry| {
            let ChannelEntry { channel, events, rate, stream_clients, last_timestamp, .. } = entry;
            format!("- channel `{channel}`: {stream_clients} live, {events} pushed, {rate}/s, last {last_timestamp}")
        }));
    }
    if let Some(Clients { clients, clients_total }) = &found.clients {
        sentences.push(match clients_total {
            0 => format!("No live subscribers{place}; what you push can still be read later."),
            _ => format!(
                "{}{place}{}.",
                count(*clients_total, "live subscriber"),
                shown(clients.len(), *clients_total)
            ),
        });
        lines.extend(clients.iter().map(describe_client));
    }
    if let Some(Webhooks { webhooks, webhooks_total }) = &found.webhooks {
        sentences.push(match (webhooks_total, channel) {
            (0, None) => "No webhook is registered.".to_owned(),
            (0, Some(_)) => format!("No webhook receives events{place}."),
            _ => format!(
                "{}{place}{}.",
                count(*webhooks_total, "webhook"),
                shown(webhooks.len(), *webhooks_total)
            ),
        });
        lines.extend(webhooks.iter().map(|row| format!("- {}", row.to_text())));
    }
    sentences.push("`push_stream` reaches live subscribers; `push_webhook` reaches webhooks too.".to_owned());
    if lines.is_empty() {
        sentences.join(" ")
    } else {
        format!("{}\n{}", sentences.join(" "), lines.join("\n"))
    }
}

fn describe_client(client: &ClientEntry) -> String {
    let patterns: Vec<String> = client.patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
    let name = match &client.reader {
        Some(reader) => format!(" as reader `{}`", neutral(reader.as_str())),
        None => String::new(),
    };
    format!(
        "- client {} ({}{name}): {}, {}, {} behind",
        client.client,
        client.transport,
        patterns.join(", "),
        client.state,
        client.lag
    )
}

/// Returns a note if not all entries are shown.
fn shown(shown: usize, total: usize) -> String {
    if shown < total {
        format!(" ({shown} shown; a `limit` of up to {LIMIT_MAX} shows more)")
    } else {
        String::new()
    }
}
