//! `test_webhook`: sends a test event to a webhook.

use std::sync::LazyLock;

use fanfare_core::WebhookId;
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::call::Call;
use crate::mcp::gateway::answer::said;
use crate::mcp::gateway::untrusted::neutral;
use crate::mcp::gateway::webhooks::attempt::AttemptRow;
use crate::mcp::gateway::webhooks::one::{EXAMPLE, INPUT};
use crate::mcp::gateway::webhooks::refused;
use crate::mcp::gateway::webhooks::row::place;
use crate::mcp::gateway::{Gateway, ToolEntry};
use crate::mcp::toolset::Toolset;

/// The name of the tool.
pub(in crate::mcp::gateway) const NAME: &str = "test_webhook";

static OUTPUT: LazyLock<Value> = LazyLock::new(|| {
    let mut properties = AttemptRow::properties();
    properties["webhook_id"] = json!({ "type": "string", "description": "Its id" });
    let required: Vec<&str> = AttemptRow::REQUIRED.into_iter().chain(["webhook_id"]).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
});

/// Describes the tool.
pub(in crate::mcp::gateway) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME,
        title: "Test a webhook",
        description: "Send a test event to one webhook now and report how its receiver responded. Use when a webhook \
                      was just registered, or to find out why one fails. Not for resending a real event; use \
                      `resend_delivery`. The event (type `fanfare.test`) is not stored; nothing else changes, and a \
                      paused webhook gets it too. Takes at most ten seconds. Example: {\"webhook_id\": \
                      \"wh_k3f9x2ab5cdefghi\"}",
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
        let webhook = self.one_webhook(by, given)?;
        let attempt = self.webhooks.test(by, client.locality.mode(), &webhook.id).await;
        let attempt = attempt.map_err(|problem| refused(problem, EXAMPLE))?;
        let tried = AttemptRow::from(&*attempt);
        let outcome = if tried.is_delivered() { "The test arrived" } else { "The test did not arrive" };
        let text =
            format!("{outcome} at {} ({}): {}.", webhook.id, neutral(&place(&webhook.url)), tried.to_text());
        Ok(said(text, &StructuredContent { webhook_id: webhook.id.clone(), tried }))
    }
}
