//! `list_targets`: the channels to push to, and their subscribers.

mod text;

use std::cmp::Reverse;
use std::str::FromStr;
use std::sync::LazyLock;

use fanfare_core::members::Members;
use fanfare_core::{
    Channel, EventType, Invalid, Pattern, Position, Principal, Priority, ReaderName, Timestamp, page,
};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Tool;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{integer, list, noted, object, output, text as word};
use crate::mcp::gateway::webhooks::row::Row;
use crate::mcp::gateway::{Gateway, LOOKS, ToolEntry, arguments};
use crate::mcp::toolset::Toolset;
use fanfare_delivery::listing::{Place, WebhooksPage};
use fanfare_delivery::registry::Entry;
use fanfare_hub::lag::LagPages;
use fanfare_hub::values::ChannelRow;

/// The name of the tool.
pub(super) const NAME: &str = "list_targets";

const EXAMPLE: &str = r#"{"channel": "builds.web"}"#;

/// Maximum rows of each kind: a thousand connections would be 60,000 tokens.
const LIMIT_MAX: u32 = 100;
/// Default rows of each kind.
const LIMIT_DEFAULT: u32 = 20;
/// Maximum patterns and types shown for one client; a filter can have 64 of each.
const TERMS_MAX: usize = 8;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "kind": {
                "type": "string",
                "enum": ["channels", "clients", "webhooks"],
                "description": "Default: all three",
            },
            "channel": { "type": "string", "description": "Only who would get a push to it" },
            "limit": {
                "type": "integer",
                "description": format!("Of each kind, 1 to {LIMIT_MAX}; default {LIMIT_DEFAULT}"),
            },
            "cursor": { "type": "string", "description": "`next_cursor` of the page before; needs `kind`" },
        },
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let channel = json!({
        "name": word(),
        "events": integer(),
        "last_id": word(),
        "last_timestamp": word(),
        "rate": { "type": "number" },
        "stream_clients": integer(),
    });
    let client = json!({
        "id": word(),
        "transport": word(),
        "principal": word(),
        "channels": list(word()),
        "types": list(word()),
        "min_priority": word(),
        "reader": word(),
        "connected_at": word(),
        "lag": integer(),
        "state": word(),
    });
    let properties = json!({
        "channels": list(object(channel)),
        "channels_total": integer(),
        "clients": list(object(client)),
        "clients_total": integer(),
        "webhooks": list(object(Row::properties())),
        "webhooks_total": integer(),
        "next_cursor": word(),
    });
    output(properties)
});

/// Describes the tool.
pub(super) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME.into(),
        title: "List channels, subscribers and webhooks".into(),
        description:
            "List channels, live subscribers and webhooks. Use when choosing a channel, or to check that \
                      anyone is listening before you rely on it. Not for what was said on a channel; use \
                      `read_history`. Example: {\"channel\": \"builds.web\"}"
                .into(),
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: LOOKS,
    };
    ToolEntry { tool, toolset: Toolset::ReadOnly }
}

struct Arguments {
    kind: Option<Kind>,
    channel: Option<Channel>,
    limit: usize,
    cursor: Option<String>,
}

impl Arguments {
    fn take(members: &mut Members<'_>) -> Result<Arguments, Invalid> {
        let kinds = [("channels", Kind::Channels), ("clients", Kind::Clients), ("webhooks", Kind::Webhooks)];
        Ok(Arguments {
            kind: members.choice("kind", &kinds)?.flatten(),
            channel: members.parsed("channel", str::parse)?.flatten(),
            limit: members.number("limit", 1, LIMIT_MAX)?.flatten().unwrap_or(LIMIT_DEFAULT) as usize,
            cursor: members.text("cursor")?.flatten(),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A part of one kind of list: the entries for the channel `only`, from the place `cursor`, at most `limit` of them.
#[derive(Clone, Copy)]
struct Selection<'a> {
    only: Option<&'a Channel>,
    cursor: Option<&'a str>,
    limit: usize,
}

#[derive(Serialize)]
struct Channels {
    channels: Vec<ChannelEntry>,
    channels_total: usize,
}

#[derive(Serialize)]
struct ChannelEntry {
    name: Channel,
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
    id: String,
    transport: &'static str,
    principal: String,
    channels: Vec<Pattern>,
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
    pub(super) async fn list_targets(&self, by: &Principal, given: &str) -> Result<Outcome, String> {
        let given = arguments::take(given, EXAMPLE, Arguments::take)?;
        let channel = given.channel;
        if given.cursor.is_some() && given.kind.is_none() {
            return Err(format!(
                "`cursor` continues the list of one kind; give its `kind` too. Example: {EXAMPLE}"
            ));
        }
        let selection =
            Selection { only: channel.as_ref(), cursor: given.cursor.as_deref(), limit: given.limit };
        let wants = |kind| given.kind.is_none_or(|wanted| wanted == kind);
        let mut found = StructuredContent::default();
        if wants(Kind::Channels) {
            let (channels, next) = self.list_channels(by, selection)?;
            (found.channels, found.next_cursor) = (Some(channels), next);
        }
        if wants(Kind::Clients) {
            let (clients, next) = self.list_clients(by, selection)?;
            (found.clients, found.next_cursor) = (Some(clients), next);
        }
        if wants(Kind::Webhooks) {
            let (webhooks, next) = self.list_webhooks(by, selection).await?;
            (found.webhooks, found.next_cursor) = (Some(webhooks), next);
        }
        // Each kind has its own order, so a cursor belongs to one kind.
        found.next_cursor = found.next_cursor.filter(|_| given.kind.is_some());
        let (note, rows) = text::describe(&found, channel.as_ref());
        Ok(noted(&note, format!("{note}{rows}"), &found))
    }

    fn list_channels(
        &self,
        by: &Principal,
        selection: Selection<'_>,
    ) -> Result<(Channels, Option<String>), String> {
        let after: Option<u64> = selection.place()?;
        let mut rows = self.hub.channels(by);
        rows.retain(|(row, _, _)| selection.only.is_none_or(|only| row.channel == *only));
        let channels_total = rows.len();
        rows.sort_unstable_by_key(|(row, _, _)| Reverse(row.last_seq));
        rows.retain(|(row, _, _)| after.is_none_or(|after| row.last_seq < after));
        let next = page::cut(&mut rows, selection.limit, |(row, _, _)| row.last_seq.to_string());
        let entry = |(row, rate, stream_clients): (ChannelRow, f64, usize)| ChannelEntry {
            name: row.channel,
            events: row.events,
            last_id: self.hub.position(row.last_seq),
            last_timestamp: row.last_timestamp,
            rate: (rate * 1_000.0).round() / 1_000.0,
            stream_clients,
        };
        Ok((Channels { channels: rows.into_iter().map(entry).collect(), channels_total }, next))
    }

    async fn list_webhooks(
        &self,
        by: &Principal,
        selection: Selection<'_>,
    ) -> Result<(Webhooks, Option<String>), String> {
        let after: Option<Place> = selection.place()?;
        let concerns = |entry: &Entry| {
            selection.only.is_none_or(|only| entry.webhook().options.filter.matches_channel(only))
        };
        let WebhooksPage { webhooks, next, total } =
            self.webhooks.page(by, concerns, after.as_ref(), selection.limit);
        let (mut rows, mut pages) = (Vec::new(), LagPages::of_list());
        for entry in &webhooks {
            rows.push(Row::of(entry, &self.hub, by, &mut pages).await);
        }
        Ok((Webhooks { webhooks: rows, webhooks_total: total }, next.map(|place| place.to_string())))
    }

    fn list_clients(
        &self,
        by: &Principal,
        selection: Selection<'_>,
    ) -> Result<(Clients, Option<String>), String> {
        let after: Option<u64> = selection.place()?;
        let head = self.hub.extent().last;
        let mut clients = self.hub.clients(by);
        clients.retain(|client| selection.only.is_none_or(|only| client.feed.filter.matches_channel(only)));
        let clients_total = clients.len();
        clients.retain(|client| after.is_none_or(|after| client.id > after));
        let next = page::cut(&mut clients, selection.limit, |client| client.id.to_string());
        let entries = clients.iter().map(|client| ClientEntry {
            id: client.public_id(),
            transport: client.transport.as_str(),
            principal: client.principal.name().to_string(),
            channels: client.feed.filter.patterns().iter().take(TERMS_MAX).cloned().collect(),
            types: client.feed.filter.types().iter().take(TERMS_MAX).cloned().collect(),
            min_priority: client.feed.filter.min_priority(),
            reader: client.reader.clone(),
            connected_at: client.connected_at,
            lag: client.lag(head),
            state: client.state().as_str(),
        });
        Ok((Clients { clients: entries.collect(), clients_total }, next))
    }
}

impl Selection<'_> {
    /// Returns the place that the cursor names.
    fn place<T: FromStr>(&self) -> Result<Option<T>, String> {
        let place = self.cursor.map(str::parse).transpose();
        place.map_err(|_| {
            format!("`cursor`: use the `next_cursor` of the previous page of this kind. Example: {EXAMPLE}")
        })
    }
}
