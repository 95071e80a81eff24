//! `resend_delivery`: resends one event to one webhook.

use std::sync::LazyLock;

use fanfare_core::members::Members;
use fanfare_core::{Invalid, Position, WebhookId};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::call::Call;
use crate::mcp::gateway::answer::{said, text};
use crate::mcp::gateway::untrusted::neutral;
use crate::mcp::gateway::webhooks::attempt::AttemptRow;
use crate::mcp::gateway::webhooks::row::place;
use crate::mcp::gateway::webhooks::{id, refused};
use crate::mcp::gateway::{Gateway, ToolEntry, arguments};
use crate::mcp::toolset::Toolset;

/// The name of the tool.
pub(in crate::mcp::gateway) const NAME: &str = "resend_delivery";

const EXAMPLE: &str = r#"{"webhook_id": "wh_k3f9x2ab5cdefghi", "event_id": "k3f9x2ab-1042"}"#;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "webhook_id": id(),
            "event_id": {
                "type": "string",
                "description": "The event to resend: find failed ones with `list_deliveries`, any with `read_history`",
            },
        },
        "required": ["webhook_id", "event_id"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> =
    LazyLock::new(|| AttemptRow::schema_with(json!({ "webhook_id": text(), "event_id": text() })));

/// Describes the tool.
pub(in crate::mcp::gateway) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME.into(),
        title: "Resend one event".into(),
        description: "Resend one event to one webhook now and report how its receiver responded. Use when the cause of \
                      a failure is fixed, or the receiver lost the event. Not for many events; use `replay_webhook`. \
                      The receiver may act on it twice unless it remembers the `webhook-id`, which stays the same; \
                      success also ends any waiting retry. Takes at most the webhook's `timeout`. Example: {\"webhook_id\": \
                      \"wh_k3f9x2ab5cdefghi\", \"event_id\": \"k3f9x2ab-1042\"}".into(),
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

struct Arguments {
    webhook_id: Option<String>,
    event_id: Option<String>,
}

impl Arguments {
    fn take(members: &mut Members<'_>) -> Result<Arguments, Invalid> {
        let webhook_id = members.text("webhook_id")?.flatten();
        Ok(Arguments { webhook_id, event_id: members.text("event_id")?.flatten() })
    }
}

#[derive(Serialize)]
struct StructuredContent {
    webhook_id: WebhookId,
    event_id: Position,
    #[serde(flatten)]
    tried: AttemptRow,
}

impl Gateway {
    /// Resends an event; the error is for the model.
    pub(in crate::mcp::gateway) async fn resend_delivery(
        &self,
        call: &Call,
        given: &str,
    ) -> Result<Outcome, String> {
        let client = &call.caller.client;
        let by = &client.principal;
        let given = arguments::take(given, EXAMPLE, Arguments::take)?;
        let webhook_id = arguments::needed("webhook_id", given.webhook_id, EXAMPLE)?;
        let event_id = arguments::needed("event_id", given.event_id, EXAMPLE)?;
        let webhook = self.webhook(by, &webhook_id, EXAMPLE)?.webhook();
        let event_id = self.delivery_place(&webhook.id, "event_id", &event_id, EXAMPLE).await?;
        let refuse = |problem| refused(problem, EXAMPLE);
        let attempt = self.webhooks.resend(by, client.locality.mode(), &webhook.id, event_id, None).await;
        let attempt = attempt.map_err(refuse)?;
        let tried = AttemptRow::from(&*attempt);
        let outcome = if tried.is_delivered() { "arrived" } else { "did not arrive" };
        let text = format!(
            "{event_id} {outcome} at {} ({}): {}.",
            webhook.id,
            neutral(&place(&webhook.url)),
            tried.to_text()
        );
        Ok(said(text, &StructuredContent { webhook_id: webhook.id.clone(), event_id, tried }))
    }
}
