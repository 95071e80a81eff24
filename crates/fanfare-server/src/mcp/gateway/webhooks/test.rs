//! `test_webhook`: sends a test event to a webhook.

use std::sync::LazyLock;

use fanfare_core::WebhookId;
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use fanfare_webhook::sample::Sample;
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
pub(in crate::mcp::gateway) const NAME: &str = "test_webhook";

const EXAMPLE: &str = r#"{"webhook_id": "wh_k3f9x2ab5cdefghi", "type": "build.failed"}"#;

static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "webhook_id": id(),
            "type": { "type": "string", "description": "Event type; default `fanfare.test`" },
            "channel": { "type": "string", "description": "Channel; default `default`" },
            "message": { "type": "string", "description": "Message; default: that it is a test" },
            "data": { "type": "object", "additionalProperties": true, "description": "Data of the event; default none" },
            "body": { "type": "object", "additionalProperties": true, "description": "Sent as the body instead of the event" },
        },
        "required": ["webhook_id"],
        "additionalProperties": false,
    })
});

static OUTPUT: LazyLock<Value> = LazyLock::new(|| AttemptRow::schema_with(json!({ "webhook_id": text() })));

/// Describes the tool.
pub(in crate::mcp::gateway) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME.into(),
        title: "Test a webhook".into(),
        description: "Send a test event to one webhook now and report how its receiver responded. Use when a webhook \
                      was just registered, or to find out why one fails. Not for resending a real event; use \
                      `resend_delivery`. The event (type `fanfare.test`, unless you choose another) is not stored; \
                      nothing else changes, and a paused webhook gets it too. Takes at most the webhook's `timeout`. Example: {\"webhook_id\": \
                      \"wh_k3f9x2ab5cdefghi\"}".into(),
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

#[derive(Serialize)]
struct StructuredContent {
    webhook_id: WebhookId,
    #[serde(flatten)]
    tried: AttemptRow,
}

impl Gateway {
    /// Sends a test; the error is for the model.
    pub(in crate::mcp::gateway) async fn test_webhook(
        &self,
        call: &Call,
        given: &str,
    ) -> Result<Outcome, String> {
        let client = &call.caller.client;
        let by = &client.principal;
        let (webhook_id, sample) = arguments::take(given, EXAMPLE, |members| {
            Ok((members.text("webhook_id")?.flatten(), Sample::take(members)?))
        })?;
        let webhook_id = arguments::needed("webhook_id", webhook_id, EXAMPLE)?;
        let webhook = self.webhook(by, &webhook_id, EXAMPLE)?.webhook();
        let attempt = self.webhooks.test(by, client.locality.mode(), &webhook.id, sample).await;
        let attempt = attempt.map_err(|problem| refused(problem, EXAMPLE))?;
        let tried = AttemptRow::from(&*attempt);
        let outcome = if tried.is_delivered() { "The test arrived" } else { "The test did not arrive" };
        let text =
            format!("{outcome} at {} ({}): {}.", webhook.id, neutral(&place(&webhook.url)), tried.to_text());
        Ok(said(text, &StructuredContent { webhook_id: webhook.id.clone(), tried }))
    }
}
