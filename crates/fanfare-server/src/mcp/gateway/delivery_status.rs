//! `delivery_status`: who has an event.

use std::sync::LazyLock;

use fanfare_core::WebhookId;
use fanfare_core::members::Members;
use fanfare_core::{Event, Invalid, Position, Principal, ReaderName, Timestamp};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Tool;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{count, explained, said};
use crate::mcp::gateway::events::{self, EventView, Format};
use crate::mcp::gateway::untrusted::{fenced, neutral};
use crate::mcp::gateway::webhooks::row::place;
use crate::mcp::gateway::{Gateway, LOOKS, ToolEntry, arguments};
use crate::mcp::toolset::Toolset;
use fanfare_delivery::looking::Fate;
use fanfare_delivery::registry::Entry;

/// The name of the tool.
pub(super) const NAME: &str = "delivery_status";

const EXAMPLE: &str = r#"{"event_id": "k3f9x2ab-1042"}"#;

/// Maximum rows of each kind in the concise format: enough to see who is missing.
const ROWS_CONCISE_MAX: usize = 20;
/// Maximum rows of each kind in the detailed format: about 10,000 tokens.
const ROWS_DETAILED_MAX: usize = 100;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "event_id": { "type": "string", "description": "The `id` from a push or `read_history`" },
            "response_format": {
                "type": "string",
                "enum": ["concise", "detailed"],
                "description": "`detailed` shows the event whole and up to 100 receivers of each kind, otherwise 20",
                "default": "concise",
            },
        },
        "required": ["event_id"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let live = json!({
        "type": "object",
        "properties": {
            "client_id": { "type": "string", "description": "Its id in `list_targets`" },
            "transport": { "type": "string", "enum": ["http", "mcp", "sse", "websocket"] },
            "reader": { "type": "string", "description": "The durable reader that this connection belongs to" },
            "received": { "type": "boolean", "description": "Whether this connection was sent it" },
        },
        "required": ["client_id", "transport", "received"],
        "additionalProperties": false,
    });
    let reader = json!({
        "type": "object",
        "properties": {
            "reader": { "type": "string" },
            "acknowledged": { "type": "boolean" },
            "position": { "type": "string", "description": "It has acknowledged everything up to here" },
        },
        "required": ["reader", "acknowledged", "position"],
        "additionalProperties": false,
    });
    let webhook = json!({
        "type": "object",
        "properties": {
            "webhook_id": { "type": "string", "description": "Its id" },
            "webhook_url": { "type": "string", "description": "Scheme, host and port; the rest may be secret" },
            "state": { "type": "string", "enum": ["pending", "waiting", "delivered", "failed"] },
            "attempts": { "type": "integer", "description": "Attempts so far, as far as they are kept" },
            "outcome": { "type": "string", "description": "Of the last attempt, such as `timeout`, if it waits or failed" },
            "next_attempt_at": { "type": "string", "description": "ISO 8601" },
        },
        "required": ["webhook_id", "webhook_url", "state"],
        "additionalProperties": false,
    });
    let count = |description: &str| json!({ "type": "integer", "description": description });
    json!({
        "type": "object",
        "properties": {
            "event": events::schema(),
            "live": { "type": "array", "items": live },
            "live_total": count("Current connections it is for"),
            "live_received": count("How many of these have it"),
            "readers": { "type": "array", "items": reader },
            "readers_total": count("Durable readers it is for"),
            "readers_acknowledged": count("How many of these acknowledged it"),
            "webhooks": { "type": "array", "items": webhook },
            "webhooks_total": count("Webhooks it is for"),
            "webhooks_delivered": count("How many of these accepted it"),
            "untrusted": events::untrusted(),
        },
        "required": [
            "event", "live", "live_total", "live_received", "readers", "readers_total", "readers_acknowledged",
            "webhooks", "webhooks_total", "webhooks_delivered", "untrusted",
        ],
        "additionalProperties": false,
    })
});

/// Describes the tool.
pub(super) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME,
        title: "Check who received an event",
        description: "Show what became of one event: which live subscribers got it, which durable readers acknowledged \
                      it, how its webhooks did. Use when you pushed something that must arrive, or someone says \
                      nothing came. Not for waiting for an acknowledgement; use `wait_for` with this `event_id`. \
                      Read-only, takes milliseconds. Example: {\"event_id\": \"k3f9x2ab-1042\"}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: LOOKS,
    };
    ToolEntry { tool, toolset: Toolset::ReadOnly }
}

struct Arguments {
    event_id: Option<String>,
    response_format: Format,
}

impl Arguments {
    fn take(members: &mut Members<'_>) -> Result<Arguments, Invalid> {
        let event_id = members.text("event_id")?.flatten();
        Ok(Arguments { event_id, response_format: Format::take(members)? })
    }
}

#[derive(Serialize)]
struct StructuredContent<'a> {
    event: &'a EventView,
    live: &'a [LiveRow],
    live_total: usize,
    live_received: usize,
    readers: &'a [ReceiptRow],
    readers_total: usize,
    readers_acknowledged: usize,
    webhooks: &'a [WebhookRow],
    webhooks_total: usize,
    webhooks_delivered: usize,
    untrusted: bool,
}

/// A connection that an event is for.
#[derive(Debug, Serialize)]
struct LiveRow {
    client_id: String,
    transport: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<ReaderName>,
    received: bool,
}

/// A webhook that an event is for.
#[derive(Debug, Serialize)]
struct WebhookRow {
    webhook_id: WebhookId,
    webhook_url: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
}

impl WebhookRow {
    fn of(entry: &Entry, fate: Fate) -> WebhookRow {
        let webhook = entry.webhook();
        let state = fate.as_str();
        let row = match fate {
            Fate::Failed(row) | Fate::Waiting(row) => Some(row),
            Fate::Delivered | Fate::Pending => None,
        };
        WebhookRow {
            webhook_id: webhook.id.clone(),
            webhook_url: place(&webhook.url),
            state,
            attempts: row.as_ref().map(|row| row.attempts),
            next_attempt_at: row.as_ref().and_then(|row| row.status.due()),
            outcome: row.map(|row| row.failure),
        }
    }

    fn has_it(&self) -> bool {
        self.state == "delivered"
    }
}

/// A durable reader that an event is for.
#[derive(Debug, Serialize)]
pub(super) struct ReceiptRow {
    pub(super) reader: ReaderName,
    pub(super) acknowledged: bool,
    pub(super) position: Position,
}

impl Gateway {
    /// Returns who has an event; the error is for the model.
    pub(super) async fn delivery_status(&self, by: &Principal, given: &str) -> Result<Outcome, String> {
        let given = arguments::take(given, EXAMPLE, Arguments::take)?;
        let event_id = arguments::needed("event_id", given.event_id, EXAMPLE)?;
        let event = self.find(by, &event_id, EXAMPLE).await?;
        let mut live = self.live(by, &event);
        let mut readers = self.receipts(by, &event).await?;
        let fates = self.webhooks.fates(by, &event).await.map_err(explained)?;
        let mut webhooks: Vec<_> =
            fates.into_iter().map(|(entry, fate)| WebhookRow::of(&entry, fate)).collect();
        let webhooks_total = webhooks.len();
        let webhooks_delivered = webhooks.iter().filter(|row| row.has_it()).count();
        let (live_total, readers_total) = (live.len(), readers.len());
        let live_received = live.iter().filter(|row| row.received).count();
        let readers_acknowledged = readers.iter().filter(|row| row.acknowledged).count();
        let rows_max = match given.response_format {
            Format::Concise => ROWS_CONCISE_MAX,
            Format::Detailed => ROWS_DETAILED_MAX,
        };
        // Recipients without the event come first: callers look for those.
        live.sort_by_key(|row| row.received);
        readers.sort_by_key(|row| row.acknowledged);
        webhooks.sort_by_key(WebhookRow::has_it);
        webhooks.truncate(rows_max);
        live.truncate(rows_max);
        readers.truncate(rows_max);
        let shown = EventView::new(&event, given.response_format);
        let structured = StructuredContent {
            event: &shown,
            live: &live,
            live_total,
            live_received,
            readers: &readers,
            readers_total,
            readers_acknowledged,
            webhooks: &webhooks,
            webhooks_total,
            webhooks_delivered,
            untrusted: true,
        };
        Ok(said(describe(&event, &structured), &structured))
    }

    /// Returns the connections that `event` is for: those that match it and were connected.
    fn live(&self, by: &Principal, event: &Event) -> Vec<LiveRow> {
        let seq = event.position.seq;
        let clients = self.hub.clients(by);
        let wanted = clients
            .iter()
            .filter(|client| client.began_after < seq && client.feed.filter.matches(event))
            .map(|client| LiveRow {
                client_id: client.public_id(),
                transport: client.transport.as_str(),
                reader: client.reader.clone(),
                received: client.has(event.position),
            });
        wanted.collect()
    }

    /// Returns the durable readers that `event` is for.
    pub(super) async fn receipts(&self, by: &Principal, event: &Event) -> Result<Vec<ReceiptRow>, String> {
        let rows = self.hub.receipts(by, event).await.map_err(explained)?;
        let receipt = |row: fanfare_hub::values::ReaderRow| ReceiptRow {
            acknowledged: row.has(event.position),
            position: row.acknowledged,
            reader: row.key.name,
        };
        Ok(rows.into_iter().map(receipt).collect())
    }
}

fn describe(event: &Event, found: &StructuredContent<'_>) -> String {
    let &StructuredContent {
        event: shown,
        live,
        live_total,
        live_received,
        readers,
        readers_total,
        readers_acknowledged,
        webhooks,
        webhooks_total,
        webhooks_delivered,
        untrusted: _,
    } = found;
    let next = match (live_total, readers_total) {
        _ if webhooks_total > webhooks_delivered => {
            "Webhooks that have not accepted it are retried automatically, unless they failed permanently."
                .to_owned()
        }
        (0, 0) if webhooks_total > 0 => "Everyone it is for has it.".to_owned(),
        (0, 0) => "No one connected now was due to get it; it can still be read later.".to_owned(),
        (_, readers) if readers > readers_acknowledged => {
            format!("`wait_for` with \"event_id\": \"{}\" waits for an acknowledgement.", event.position)
        }
        (live, _) if live > live_received => {
            "Some subscribers are behind; check again in a moment.".to_owned()
        }
        _ => "Everyone it is for has it.".to_owned(),
    };
    let took_it = match webhooks_total {
        0 => "no webhook matches it".to_owned(),
        _ => format!("{webhooks_delivered} of {} accepted it", count(webhooks_total, "webhook")),
    };
    format!(
        "Event {} on `{}`: {live_received} of {} got it, {readers_acknowledged} of {} acknowledged it, {took_it}. \
         {next}\n{}\n{}",
        event.position,
        event.channel,
        count(live_total, "live connection"),
        count(readers_total, "durable reader"),
        missing(live, readers, webhooks),
        fenced(&shown.to_text()),
    )
}

/// Lists the recipients that lack it.
fn missing(live: &[LiveRow], readers: &[ReceiptRow], webhooks: &[WebhookRow]) -> String {
    let live = live.iter().filter(|row| !row.received);
    let live = live.map(|row| format!("connection {} ({})", row.client_id, row.transport));
    let readers = readers.iter().filter(|row| !row.acknowledged);
    let readers = readers.map(|row| format!("reader `{}`", neutral(row.reader.as_str())));
    let webhooks = webhooks.iter().filter(|row| !row.has_it());
    let webhooks = webhooks.map(|row| format!("webhook {} ({})", row.webhook_id, row.state));
    let missing: Vec<String> = readers.chain(live).chain(webhooks).collect();
    if missing.is_empty() { String::new() } else { format!("Not yet: {}.\n", missing.join(", ")) }
}
