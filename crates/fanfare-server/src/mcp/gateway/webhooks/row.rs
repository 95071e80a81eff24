//! The summary of a webhook, as tools show it.

use std::sync::Arc;

use fanfare_core::Pattern;
use fanfare_core::WebhookId;
use fanfare_webhook::pause::State as Sending;
use fanfare_webhook::url::WebhookUrl;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::untrusted::neutral;
use fanfare_delivery::registry::Entry;
use fanfare_delivery::state::State;
use fanfare_hub::Hub;

/// Maximum patterns shown for one webhook; a filter can have 64 of each.
const PATTERNS_MAX: usize = 8;

/// The summary of a webhook.
#[derive(Debug, Serialize)]
pub(in crate::mcp::gateway) struct Row {
    id: WebhookId,
    webhook_url: String,
    channels: Vec<Pattern>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
    lag: u64,
}

impl Row {
    pub(in crate::mcp::gateway) fn of(entry: &Arc<Entry>, hub: &Hub) -> Row {
        let (webhook, health, head) = (entry.webhook(), entry.health(), hub.extent());
        let state = State::of(&health, entry.is_held());
        Row {
            id: webhook.id.clone(),
            webhook_url: place(&webhook.url),
            channels: webhook.options.filter.patterns().iter().take(PATTERNS_MAX).cloned().collect(),
            state: state.as_str(),
            paused_reason: match health.state {
                Sending::Active => None,
                Sending::Paused { reason, .. } => Some(reason.as_str()),
            },
            explanation: state.explanation(&health),
            lag: head.last.saturating_sub(head.resume(entry.cursor.get())),
        }
    }

    /// Describes its members.
    pub(in crate::mcp::gateway) fn properties() -> Value {
        json!({
            "id": { "type": "string", "description": "Its id" },
            "webhook_url": { "type": "string", "description": "Scheme, host and port; the rest may be secret" },
            "channels": { "type": "array", "items": { "type": "string" }, "description": "Its channel patterns; at most 8 are shown" },
            "state": {
                "type": "string",
                "enum": State::ALL.map(State::as_str),
                "description": "`failing`: the last attempts failed; `held`: nothing is sent until one attempt finds \
                                out whether the receiver is back; `paused`: nothing is sent until it is resumed",
            },
            "paused_reason": { "type": "string", "description": "`by_hand`, `failing` or `gone`; only if paused" },
            "explanation": { "type": "string", "description": "Why it is not active" },
            "lag": { "type": "integer", "description": "Number of events in the log after the last one it received" },
        })
    }

    /// Returns the names of the required members.
    pub(in crate::mcp::gateway) const REQUIRED: [&str; 5] = ["id", "webhook_url", "channels", "state", "lag"];

    /// Describes an object with these members and `more`; all of them are required except `optional`.
    pub(super) fn schema_with(more: Value, optional: &[&str]) -> Value {
        let mut properties = Row::properties();
        let mut required: Vec<String> = Row::REQUIRED.map(str::to_owned).to_vec();
        if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
            required.extend(more.keys().filter(|name| !optional.contains(&name.as_str())).cloned());
            properties.extend(more);
        }
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    }

    /// Renders the webhook on one line.
    pub(in crate::mcp::gateway) fn to_text(&self) -> String {
        let Row { id, webhook_url, state, lag, explanation, .. } = self;
        let why = explanation.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        format!("webhook {id} ({}): {state}{why}, {lag} behind", neutral(webhook_url))
    }

    pub(super) fn name(&self) -> String {
        format!("{} ({})", self.id, neutral(&self.webhook_url))
    }
}

/// Returns the URL of a webhook without the parts that may be secret.
pub(in crate::mcp::gateway) fn place(url: &WebhookUrl) -> String {
    let scheme = if url.is_https() { "https" } else { "http" };
    format!("{scheme}://{}", url.authority())
}
