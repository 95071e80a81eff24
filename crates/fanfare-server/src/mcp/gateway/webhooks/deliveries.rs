//! `list_deliveries`: the undelivered events of a webhook, and its health.

use std::sync::LazyLock;

use fanfare_core::members::Members;
use fanfare_core::{Channel, EventType, Invalid, Position, Principal, Timestamp};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::Tool;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{count, explained, integer, list, noted, object, text};
use crate::mcp::gateway::webhooks::attempt::AttemptRow;
use crate::mcp::gateway::webhooks::row::Row;
use crate::mcp::gateway::webhooks::{id, refused};
use crate::mcp::gateway::{Gateway, LOOKS, ToolEntry, arguments};
use crate::mcp::toolset::Toolset;
use fanfare_delivery::values::{DeliveryRow, DeliveryStatus};
use fanfare_hub::lag::LagPages;

/// The name of the tool.
pub(in crate::mcp::gateway) const NAME: &str = "list_deliveries";

const EXAMPLE: &str = r#"{"webhook_id": "wh_k3f9x2ab5cdefghi", "state": "failed"}"#;

/// Maximum deliveries in one answer: about 10,000 tokens.
const LIMIT_MAX: u32 = 100;
/// Default number of deliveries in one answer.
const LIMIT_DEFAULT: u32 = 20;
/// Number of attempts shown: enough to see when the failures started.
const ATTEMPTS_MAX: usize = 10;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "webhook_id": id(),
            "state": {
                "type": "string",
                "enum": ["waiting", "failed"],
                "description": "`waiting`: for the next attempt; `failed`: not retried; default: both",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": LIMIT_MAX,
                "description": format!("Maximum number of deliveries, default {LIMIT_DEFAULT}"),
            },
            "cursor": { "type": "string", "description": "The `next_cursor` of the page before" },
        },
        "required": ["webhook_id"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let delivery = json!({
        "event_id": text(),
        "channel": text(),
        "type": text(),
        "timestamp": text(),
        "state": text(),
        "attempts": integer(),
        "outcome": text(),
        "next_attempt_at": text(),
        "failed_at": text(),
    });
    let more = json!({
        "waiting": integer(),
        "failed": integer(),
        "deliveries": list(object(delivery)),
        "next_cursor": text(),
        "recent_attempts": list(object(AttemptRow::properties())),
    });
    Row::schema_with(more)
});

/// Describes the tool.
pub(in crate::mcp::gateway) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME.into(),
        title: "List a webhook's undelivered events".into(),
        description: "List one webhook's deliveries that wait for a retry or failed, and its latest attempts. Use \
                      when a webhook is failing or paused, or someone is missing events. Not for one event across all \
                      its recipients; use `delivery_status`. Successful deliveries are not listed. Read-only, takes \
                      milliseconds. Example: {\"webhook_id\": \"wh_k3f9x2ab5cdefghi\", \"state\": \"failed\"}".into(),
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: LOOKS,
    };
    ToolEntry { tool, toolset: Toolset::All }
}

struct Arguments {
    webhook_id: Option<String>,
    /// Whether only failed ones are wanted, or only waiting ones.
    is_failed: Option<bool>,
    limit: usize,
    cursor: Option<String>,
}

impl Arguments {
    fn take(members: &mut Members<'_>) -> Result<Arguments, Invalid> {
        Ok(Arguments {
            webhook_id: members.text("webhook_id")?.flatten(),
            is_failed: members.choice("state", &[("failed", true), ("waiting", false)])?.flatten(),
            limit: members.number("limit", 1, LIMIT_MAX)?.flatten().unwrap_or(LIMIT_DEFAULT) as usize,
            cursor: members.text("cursor")?.flatten(),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Failed,
    Waiting,
}

#[derive(Serialize)]
struct StructuredContent {
    #[serde(flatten)]
    row: Row,
    waiting: u64,
    failed: u64,
    deliveries: Vec<Delivery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<Position>,
    recent_attempts: Vec<AttemptRow>,
}

#[derive(Serialize)]
struct Delivery {
    event_id: Position,
    channel: Channel,
    #[serde(rename = "type")]
    event_type: EventType,
    timestamp: Timestamp,
    state: State,
    attempts: u32,
    outcome: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_at: Option<Timestamp>,
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Delivery {
        let (state, next_attempt_at, failed_at) = match row.status {
            DeliveryStatus::Waiting(at) => (State::Waiting, Some(at), None),
            DeliveryStatus::Failed(at) => (State::Failed, None, Some(at)),
        };
        Delivery {
            event_id: row.event.position,
            channel: row.event.channel.clone(),
            event_type: row.event.event_type.clone(),
            timestamp: row.event.timestamp,
            state,
            attempts: row.attempts,
            outcome: row.failure,
            next_attempt_at,
            failed_at,
        }
    }
}

impl Delivery {
    fn to_text(&self) -> String {
        let Delivery { event_id, channel, attempts, outcome, .. } = self;
        let then = match (self.next_attempt_at, self.failed_at) {
            (Some(at), _) => format!("is retried at {at}"),
            (None, Some(at)) => format!("failed at {at}"),
            (None, None) => "waits".to_owned(),
        };
        format!("- {event_id} `{channel}`: {}, last {outcome}; {then}", count(*attempts as usize, "attempt"))
    }
}

impl Gateway {
    /// Lists failed deliveries; the error is for the model.
    pub(in crate::mcp::gateway) async fn list_deliveries(
        &self,
        by: &Principal,
        given: &str,
    ) -> Result<Outcome, String> {
        let given = arguments::take(given, EXAMPLE, Arguments::take)?;
        let webhook_id = arguments::needed("webhook_id", given.webhook_id, EXAMPLE)?;
        let entry = self.webhook(by, &webhook_id, EXAMPLE)?;
        let after = match &given.cursor {
            Some(cursor) => Some(self.delivery_place(&entry.webhook().id, "cursor", cursor, EXAMPLE).await?),
            None => None,
        };
        let id = entry.webhook().id.clone();
        let page = self.webhooks.deliveries(by, &id, given.is_failed, after, given.limit).await;
        let (rows, next) = page.map_err(|problem| refused(problem, EXAMPLE))?;
        let counts = self.webhooks.delivery_counts(by).await.map_err(explained)?;
        let counts = counts.get(&id).map_or((0, 0), |counts| (counts.waiting, counts.failed));
        let recent = entry.recent();
        let structured = StructuredContent {
            row: Row::of(&entry, &self.hub, by, &mut LagPages::of_one()).await,
            waiting: counts.0,
            failed: counts.1,
            deliveries: rows.into_iter().map(Delivery::from).collect(),
            next_cursor: next,
            recent_attempts: recent
                .iter()
                .take(ATTEMPTS_MAX)
                .map(|attempt| AttemptRow::from(&**attempt))
                .collect(),
        };
        let (note, rows) = describe(&structured);
        Ok(noted(&note, format!("{note}{rows}"), &structured))
    }
}

/// Describes what was found: in sentences, and a line for each delivery.
fn describe(found: &StructuredContent) -> (String, String) {
    let StructuredContent { row, waiting, failed, deliveries, next_cursor, recent_attempts } = found;
    let mut sentences =
        vec![format!("{}. {waiting} waiting for another attempt, {failed} failed.", row.to_text())];
    if let Some(last) = recent_attempts.first() {
        sentences.push(format!("The newest attempt: {}.", last.to_text()));
    }
    if let Some(next) = next_cursor {
        sentences.push(format!("For more, call again with \"cursor\": \"{next}\"."));
    }
    let next = match (waiting, failed) {
        (0, 0) => "There is nothing to resend.",
        (_, 0) => "They are retried automatically; `resend_delivery` sends one of them now.",
        _ => {
            "`replay_webhook` with \"state\": \"failed\" resends every failed delivery; `resend_delivery` resends one event."
        }
    };
    sentences.push(next.to_owned());
    let rows = deliveries.iter().fold(String::new(), |rows, delivery| rows + "\n" + &delivery.to_text());
    (sentences.join(" "), rows)
}
