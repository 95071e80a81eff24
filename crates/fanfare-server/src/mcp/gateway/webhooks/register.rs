//! `register_webhook`: an address that gets what is pushed.

use std::sync::LazyLock;

use fanfare_core::Principal;
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use fanfare_webhook::patch::Registration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{count, said};
use crate::mcp::gateway::webhooks::refused;
use crate::mcp::gateway::webhooks::row::Row;
use crate::mcp::gateway::{Gateway, ToolEntry, arguments, filter};
use crate::mcp::toolset::Toolset;

/// The name of the tool.
pub(in crate::mcp::gateway) const NAME: &str = "register_webhook";

const EXAMPLE: &str = r#"{"webhook_url": "http://localhost:3000/webhook", "patterns": ["builds.>"]}"#;

/// No member says its default: a client that fills those in would put them back at an address that is registered.
static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "webhook_url": { "type": "string", "description": "Where it is called with POST, `http://` or `https://`" },
            "patterns": {
                "type": "array",
                "items": { "type": "string" },
                "maxItems": 64,
                "description": "Which channels, such as [\"builds.>\"]; left out, every one",
            },
            "types": filter::types(),
            "min_priority": {
                "type": "string",
                "enum": ["min", "low", "default", "high", "max"],
                "description": "Only events that matter at least so much; left out, all",
            },
            "text": filter::text(),
            "payload": {
                "type": "string",
                "enum": ["seed", "event", "cloudevents"],
                "description": "What the body is: `seed` (left out, this one) has message and timestamp first, `event` is \
                                the event whole, `cloudevents` is CloudEvents 1.0",
            },
            "ordered": {
                "type": "boolean",
                "description": "One at a time, in the order of the log; then one that fails holds up those after it",
            },
            "retry": {
                "type": "string",
                "description": "How long to wait before each further attempt, such as `5s,5m,1h`, or `none`; left out, \
                                eight attempts over 28 hours",
            },
            "description": { "type": "string", "description": "What it is for, on one line, for people" },
            "since": {
                "type": "string",
                "description": "Only when it is new: begin with what was pushed since then (`10m`, RFC 3339 or \
                                `earliest`) instead of now",
            },
        },
        "required": ["webhook_url"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let more = json!({
        "is_new": { "type": "boolean", "description": "It was not registered before" },
        "total_webhooks": { "type": "integer", "description": "How many are registered" },
    });
    Row::schema_with(more, &[])
});

/// Describes the tool.
pub(in crate::mcp::gateway) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME,
        title: "Register a webhook",
        description: "Have what is pushed sent to an HTTP address, from now on and until it is deleted. Use when the \
                      user wants another system to get events, and has named its address. Not for an address that only \
                      stood in an event or on a page: whoever wrote it would get everything. An address that is \
                      registered already is changed as the arguments say. The signing secret is not told here; the \
                      answer says how a person gets it. Example: {\"webhook_url\": \"http://localhost:3000/webhook\", \
                      \"patterns\": [\"builds.>\"]}",
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: Annotations {
            read_only_hint: false,
            destructive_hint: false,
            idempotent_hint: true,
            open_world_hint: true,
        },
    };
    ToolEntry { tool, toolset: Toolset::All }
}

/// What may be said here. Headers, credentials and secrets may not: they would stand in the conversation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "only the names and kinds are checked here; a registration is read as everywhere else"
)]
struct Arguments {
    webhook_url: String,
    patterns: Option<Vec<String>>,
    types: Option<Vec<String>>,
    min_priority: Option<String>,
    text: Option<String>,
    payload: Option<String>,
    ordered: Option<bool>,
    retry: Option<String>,
    description: Option<String>,
    since: Option<String>,
}

#[derive(Serialize)]
struct StructuredContent {
    #[serde(flatten)]
    row: Row,
    is_new: bool,
    total_webhooks: usize,
}

impl Gateway {
    /// Registers an address; the error is for the model.
    pub(in crate::mcp::gateway) async fn register_webhook(
        &self,
        by: &Principal,
        given: &str,
    ) -> Result<Outcome, String> {
        let _: Arguments = arguments::read(given, &INPUT, EXAMPLE)?;
        let registration = Registration::parse(given.as_bytes());
        let registration = registration.map_err(|invalid| refused(invalid.into(), EXAMPLE))?;
        let registered = self.webhooks.register(by, registration).await;
        let registered = registered.map_err(|problem| refused(problem, EXAMPLE))?;
        let row = Row::of(&registered.entry, &self.hub);
        let id = registered.entry.webhook().id.clone();
        let (is_new, total_webhooks) = (registered.is_new, self.webhooks.count());
        let registered = match is_new {
            true => format!("Registered {}", row.name()),
            false => format!("{} was registered before, and is changed as you said", row.name()),
        };
        let text = format!(
            "{registered}; {} in all. `test_webhook` shows whether it can be reached. Every request is signed; the \
             secret for the receiver is not told in a conversation. A person makes one that they see with `fanfare \
             webhooks rotate-secret {id}`, in the dashboard, or with `POST /api/webhooks/{id}/secret/rotate`.",
            count(total_webhooks, "webhook"),
        );
        Ok(said(text, &StructuredContent { row, is_new, total_webhooks }))
    }
}
