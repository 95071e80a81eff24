//! The summary of a webhook, as tools show it.

use std::sync::Arc;

use fanfare_core::{Pattern, Principal, WebhookId, WebhookName};
use fanfare_webhook::pause::State as Sending;
use fanfare_webhook::url::WebhookUrl;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mcp::gateway::answer::{integer, list, output, text, truth};
use crate::mcp::gateway::untrusted::neutral;
use fanfare_delivery::registry::Entry;
use fanfare_delivery::state::State;
use fanfare_hub::Hub;
use fanfare_hub::lag::LagPages;

/// Maximum patterns shown for one webhook; a filter can have 64 of each.
const PATTERNS_MAX: usize = 8;

/// The summary of a webhook.
#[derive(Debug, Serialize)]
pub(in crate::mcp::gateway) struct Row {
    id: WebhookId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<WebhookName>,
    webhook_url: String,
    channels: Vec<Pattern>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
    lag: u64,
    lag_is_exact: bool,
}

impl Row {
    /// Describes a webhook of `by`. To count the events that it still has to get, reads `pages` of the log.
    pub(in crate::mcp::gateway) async fn of(
        entry: &Arc<Entry>,
        hub: &Hub,
        by: &Principal,
        pages: &mut LagPages,
    ) -> Row {
        let (webhook, health, position) = (entry.webhook(), entry.health(), entry.cursor.get());
        let (lag, lag_is_exact) = entry.lag(hub, by, pages).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the lag of a webhook cannot be counted");
            let head = hub.extent();
            (head.last.saturating_sub(head.resume(position)), false)
        });
        let state = State::of(&health, entry.is_held());
        Row {
            id: webhook.id.clone(),
            name: webhook.name.clone(),
            webhook_url: place(&webhook.url),
            channels: webhook.options.filter.patterns().iter().take(PATTERNS_MAX).cloned().collect(),
            state: state.as_str(),
            paused_reason: match health.state {
                Sending::Active => None,
                Sending::Paused { reason, .. } => Some(reason.as_str()),
            },
            explanation: state.explanation(&health),
            lag,
            lag_is_exact,
        }
    }

    /// Describes its members.
    pub(in crate::mcp::gateway) fn properties() -> Value {
        json!({
            "id": text(),
            "name": text(),
            "webhook_url": text(),
            "channels": list(text()),
            "state": text(),
            "paused_reason": text(),
            "explanation": text(),
            "lag": integer(),
            "lag_is_exact": truth(),
        })
    }

    /// Describes an answer with these members and `more`.
    pub(super) fn schema_with(more: Value) -> Value {
        let mut properties = Row::properties();
        if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
            properties.extend(more);
        }
        output(properties)
    }

    /// Renders the webhook on one line.
    pub(in crate::mcp::gateway) fn to_text(&self) -> String {
        let Row { state, lag, lag_is_exact, explanation, .. } = self;
        let most = if *lag_is_exact { "" } else { "at most " };
        let why = explanation.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        format!("webhook {}: {state}{why}, {most}{lag} behind", self.name())
    }

    pub(super) fn name(&self) -> String {
        let named = self.name.as_ref().map_or_else(String::new, |name| format!("`{name}`, "));
        format!("{} ({named}{})", self.id, neutral(&self.webhook_url))
    }
}

/// Returns the URL of a webhook without the parts that may be secret.
pub(in crate::mcp::gateway) fn place(url: &WebhookUrl) -> String {
    let scheme = if url.is_https() { "https" } else { "http" };
    format!("{scheme}://{}", url.authority())
}
