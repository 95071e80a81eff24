//! The arguments of the tools that need only a webhook.

use std::sync::{Arc, LazyLock};

use fanfare_core::Principal;
use serde::Deserialize;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    webhook_id: String,
}

impl Gateway {
    /// Finds the webhook, the only argument of the tool; the error is for the model.
    pub(super) fn one_webhook(&self, by: &Principal, given: &str) -> Result<Arc<Webhook>, String> {
        let given: Arguments = arguments::read(given, &INPUT, EXAMPLE)?;
        Ok(self.webhook(by, &given.webhook_id, EXAMPLE)?.webhook())
    }
}
