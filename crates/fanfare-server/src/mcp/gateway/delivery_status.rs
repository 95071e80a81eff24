//! `delivery_status`: who has an event.

use std::sync::LazyLock;

use fanfare_core::members::Members;
use fanfare_core::{Event, Invalid, Position, Principal, ReaderName, Timestamp};
use fanfare_core::{WebhookId, WebhookName};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Tool;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{count, explained, integer, list, noted, object, output, text, truth};
use crate::mcp::gateway::events::{EventView, Format};
use crate::mcp::gateway::untrusted::{MARK, fenced, neutral};
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
                "description": "`detailed` shows more of all; default `concise`",
            },
        },
        "required": ["event_id"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let live = json!({ "client_id": text(), "transport": text(), "reader": text(), "received": truth() });
    let webhook = json!({
        "webhook_id": text(),
        "webhook_name": text(),
        "webhook_url": text(),
        "state": text(),
        "attempts": integer(),
        "outcome": text(),
        "next_attempt_at": text(),
    });
    let properties = json!({
        // As in `read_history`, which describes it.
        "event": { "type": "object" },
        "live": list(object(live)),
        "live_total": integer(),
        "live_received": integer(),
        "readers": list(ReceiptRow::schema()),
        "readers_total": integer(),
        "readers_acknowledged": integer(),
        "webhooks": list(object(webhook)),
        "webhooks_total": integer(),
        "webhooks_delivered": integer(),
        "untrusted": truth(),
    });
    output(properties)
});

/// Describes the tool.
pub(super) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME.into(),
        title: "Check who received an event".into(),
        description:
            "Show who has one event: live subscribers, durable readers, webhooks. Use when you pushed \
                      something that must arrive, or someone says nothing came. Not for waiting for an \
                      acknowledgement; use `wait_for` with this `event_id`. Example: {\"event_id\": \
                      \"k3f9x2ab-1042\"}"
                .into(),
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
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_name: Option<WebhookName>,
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
            webhook_name: webhook.name.clone(),
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

impl ReceiptRow {
    /// Describes it.
    pub(super) fn schema() -> Value {
        object(json!({ "reader": text(), "acknowledged": truth(), "position": text() }))
    }
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
        let (note, rest) = describe(&event, &structured);
        Ok(noted(&format!("{note} {MARK}"), format!("{note}\n{rest}"), &structured))
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

/// Describes what became of `event`: in a note, and what else a model needs that sees only the text.
fn describe(event: &Event, found: &StructuredContent<'_>) -> (String, String) {
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
    let note = format!(
        "Event {} on `{}`: {live_received} of {} got it, {readers_acknowledged} of {} acknowledged it, {took_it}. {next}",
        event.position,
        event.channel,
        count(live_total, "live connection"),
        count(readers_total, "durable reader"),
    );
    (note, format!("{}\n{}", missing(live, readers, webhooks), fenced(&shown.to_text())))
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
