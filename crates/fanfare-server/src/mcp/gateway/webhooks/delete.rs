//! `delete_webhook`: removes a webhook for good.

use std::sync::LazyLock;

use fanfare_core::{Principal, WebhookId};
use fanfare_mcp::Outcome;
use fanfare_mcp::tools::{Annotations, Tool};
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{count, integer, output, said, text};
use crate::mcp::gateway::untrusted::neutral;
use crate::mcp::gateway::webhooks::one::{EXAMPLE, INPUT};
use crate::mcp::gateway::webhooks::refused;
use crate::mcp::gateway::webhooks::row::place;
use crate::mcp::gateway::{Gateway, ToolEntry};
use crate::mcp::toolset::Toolset;
use fanfare_delivery::changing::Expected;
use fanfare_delivery::missing::Missing;
use fanfare_delivery::service::WebhookError;

/// The name of the tool.
pub(in crate::mcp::gateway) const NAME: &str = "delete_webhook";

static OUTPUT: LazyLock<Value> =
    LazyLock::new(|| output(json!({ "id": text(), "webhook_url": text(), "total_webhooks": integer() })));

/// Describes the tool.
pub(in crate::mcp::gateway) fn described() -> ToolEntry {
    let tool = Tool {
        name: NAME.into(),
        title: "Delete a webhook".into(),
        description: "Delete one webhook for good: its place in the log, its waiting and failed deliveries, and its \
                      secret. Use when the user says its receiver should get nothing more. Not for a receiver that is \
                      down: its events wait, and `pause_webhook` keeps it. Cannot be undone; registered again, it \
                      starts with new events and a new secret. Example: {\"webhook_id\": \"wh_k3f9x2ab5cdefghi\"}".into(),
        input_schema: INPUT.clone(),
        output_schema: Some(OUTPUT.clone()),
        annotations: Annotations {
            read_only_hint: false,
            destructive_hint: true,
            idempotent_hint: true,
            open_world_hint: false,
        },
    };
    ToolEntry { tool, toolset: Toolset::All }
}

#[derive(Serialize)]
struct StructuredContent {
    id: WebhookId,
    webhook_url: String,
    total_webhooks: usize,
}

impl Gateway {
    /// Deletes a webhook; the error is for the model.
    pub(in crate::mcp::gateway) async fn delete_webhook(
        &self,
        by: &Principal,
        given: &str,
    ) -> Result<Outcome, String> {
        let webhook = self.one_webhook(by, given)?;
        let was_known = self.webhooks.remove(by, &webhook.id, &Expected::Any).await;
        if !was_known.map_err(|problem| refused(problem, EXAMPLE))? {
            return Err(refused(WebhookError::NotFound(Missing::Webhook(webhook.id.clone())), EXAMPLE));
        }
        let (webhook_url, total_webhooks) = (place(&webhook.url), self.webhooks.count());
        let left = match total_webhooks {
            0 => "No webhook is left.".to_owned(),
            _ => format!("{} left.", count(total_webhooks, "webhook")),
        };
        let text = format!("Deleted {} ({}). {left}", webhook.id, neutral(&webhook_url));
        Ok(said(text, &StructuredContent { id: webhook.id.clone(), webhook_url, total_webhooks }))
    }
}
