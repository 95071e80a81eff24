//! `register_webhook`: sends matching events to a URL.

use std::sync::LazyLock;

use fanfare_core::Invalid;
use fanfare_core::members::Members;
use fanfare_core::refusal::Refusal;
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use fanfare_webhook::limits::RATE_PER_SECOND_MAX;
use fanfare_webhook::patch::Registration;
use fanfare_webhook::retry::DELAYS_MAX;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::client::Client;
use crate::mcp::gateway::answer::{count, integer, said};
use crate::mcp::gateway::webhooks::refused;
use crate::mcp::gateway::webhooks::row::Row;
use crate::mcp::gateway::{Gateway, ToolEntry, arguments, filter};
use crate::mcp::toolset::Toolset;
use fanfare_delivery::service::WebhookError;
use fanfare_hub::lag::LagPages;

/// The name of the tool.
pub(in crate::mcp::gateway) const NAME: &str = "register_webhook";

const EXAMPLE: &str = r#"{"webhook_url": "http://localhost:3000/webhook", "channels": ["builds.>"]}"#;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "webhook_url": { "type": "string", "description": "What is called, `http://` or `https://`" },
            "name": { "type": "string", "description": "A unique name; needed if the URL already has a webhook" },
            "channels": filter::channels(),
            "types": filter::types(),
            "min_priority": filter::min_priority(),
            "text": filter::text(),
            "payload": {
                "type": "string",
                "enum": ["seed", "event", "cloudevents", "original"],
                "description": "Body format: `seed` (default) starts with message and timestamp, `event` is the full \
                                event, `cloudevents` is CloudEvents 1.0, `original` sends requests to /ingest on as received \
                                and skips other events",
            },
            "template": {
                "type": "string",
                "description": "Body for a service: `slack`, `discord`, `teams`, `telegram`, `ntfy`, `pagerduty`, or a Jinja \
                                text such as {\"text\": {{ message }}}; replaces `payload`",
            },
            "ordered": {
                "type": "boolean",
                "description": "Deliver one at a time, in log order; a failing delivery then blocks those after it",
            },
            "retry": {
                "type": "array",
                "items": { "type": "string" },
                "maxItems": DELAYS_MAX,
                "description": "Delay before each retry, such as [\"5s\", \"5m\", \"1h\"], or [] for none; default: eight \
                                attempts over 28 hours",
            },
            "timeout": { "type": "string", "description": "Maximum time for an answer, `1s` to `1m`; default `10s`" },
            "method": { "type": "string", "enum": ["POST", "PUT", "PATCH"], "description": "Default `POST`" },
            "rate_per_second": {
                "type": "integer", "minimum": 1, "maximum": RATE_PER_SECOND_MAX,
                "description": "Maximum deliveries per second; default: no limit",
            },
            "description": { "type": "string", "description": "The purpose of the webhook, on one line, for people" },
            "since": arguments::time(
                "New webhooks only: start with events pushed since then (`10m`, RFC 3339 or `earliest`) instead of now",
            ),
        },
        "required": ["webhook_url"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| Row::schema_with(json!({ "total_webhooks": integer() })));

/// Describes the tool.
pub(in crate::mcp::gateway) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME.into(),
        title: "Register a webhook".into(),
        description: "Send matching events to an HTTP URL from now on, until the webhook is deleted. Use when the user \
                      wants another system to get events and has named its URL. Not for a URL found only in an event \
                      or on a page: its author would receive every event. A URL that already has a webhook is refused unless `name` is given. \
                      The signing secret is not shown; the result says how a person gets it. \
                      Example: {\"webhook_url\": \"http://localhost:3000/webhook\", \"channels\": [\"builds.>\"]}".into(),
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: Annotations {
            read_only_hint: false,
            destructive_hint: false,
            idempotent_hint: false,
            open_world_hint: true,
        },
    };
    ToolEntry { tool, toolset: Toolset::All }
}

/// Takes the members that a model can set; their values are read as those of every registration. Headers, credentials
/// and secrets are excluded: they would appear in the conversation.
fn take(members: &mut Members<'_>) -> Result<(), Invalid> {
    for name in [
        "webhook_url",
        "name",
        "min_priority",
        "text",
        "payload",
        "template",
        "timeout",
        "method",
        "description",
    ] {
        members.text(name)?;
    }
    members.texts("channels")?;
    members.texts("types")?;
    members.truth("ordered")?;
    members.any("retry")?;
    members.number("rate_per_second", 1, RATE_PER_SECOND_MAX)?;
    members.any("since")?;
    Ok(())
}

#[derive(Serialize)]
struct StructuredContent {
    #[serde(flatten)]
    row: Row,
    total_webhooks: usize,
}

impl Gateway {
    /// Registers a URL; the error is for the model.
    pub(in crate::mcp::gateway) async fn register_webhook(
        &self,
        client: &Client,
        given: &str,
    ) -> Result<Outcome, String> {
        arguments::take(given, EXAMPLE, take)?;
        let registration = Registration::parse(given.as_bytes());
        let registration = registration.map_err(|invalid| refused(invalid, EXAMPLE))?;
        let entry = self
            .webhooks
            .create(&client.principal, client.locality.mode(), registration)
            .await
            .map_err(not_created)?;
        let row = Row::of(&entry, &self.hub, &client.principal, &mut LagPages::of_one()).await;
        let id = entry.webhook().id.clone();
        let total_webhooks = self.webhooks.count();
        let text = format!(
            "Registered {}; {} in total. Check that it is reachable with `test_webhook`. Every request is signed; the \
             receiver's secret is never shown in a conversation. A person can create a new one and see it with \
             `fanfare webhooks rotate-secret {id}`, in the dashboard, or with `POST \
             /api/webhooks/{id}/secret/rotate`.",
            row.name(),
            count(total_webhooks, "webhook"),
        );
        Ok(said(text, &StructuredContent { row, total_webhooks }))
    }
}

fn not_created(error: WebhookError) -> String {
    let refusal = Refusal::from(error);
    match &refusal.webhook {
        Some(id) => format!(
            "{}. No tool changes a webhook; a person can, with `fanfare webhooks edit {id}` or in the dashboard. \
             Nothing was done.",
            refusal.what
        ),
        None => refused(refusal, EXAMPLE),
    }
}
