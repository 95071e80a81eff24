//! The arguments of the tools that need only a webhook.

use std::sync::{Arc, LazyLock};

use fanfare_core::Principal;
use serde_json::{Value, json};

use crate::mcp::gateway::webhooks::id;
use crate::mcp::gateway::{Gateway, arguments};
use fanfare_delivery::webhook::Webhook;

pub(super) const EXAMPLE: &str = r#"{"webhook_id": "wh_k3f9x2ab5cdefghi"}"#;

pub(super) static INPUT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": { "webhook_id": id() },
        "required": ["webhook_id"],
        "additionalProperties": false,
    })
});

impl Gateway {
    /// Finds the webhook, the only argument of the tool; the error is for the model.
    pub(super) fn one_webhook(&self, by: &Principal, given: &str) -> Result<Arc<Webhook>, String> {
        let webhook_id = arguments::take(given, EXAMPLE, |members| members.text("webhook_id"))?.flatten();
        let webhook_id = arguments::needed("webhook_id", webhook_id, EXAMPLE)?;
        Ok(self.webhook(by, &webhook_id, EXAMPLE)?.webhook())
    }
}
