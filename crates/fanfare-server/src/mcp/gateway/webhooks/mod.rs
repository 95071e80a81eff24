//! The tools that manage webhooks: doors to the verbs of `webhooks`, for callers whom the operator allows to use them.
//!
//! None of them returns a secret. Others may read what a model reads, and only the receiver needs the secret: people
//! get it from the command line, the dashboard or over HTTP.

pub(super) mod attempt;
pub(super) mod delete;
pub(super) mod deliveries;
mod one;
pub(super) mod register;
pub(super) mod replay;
pub(super) mod resend;
pub(super) mod row;
pub(super) mod switching;
pub(super) mod test;

use std::sync::Arc;

use fanfare_core::refusal::Refusal;
use fanfare_core::{Code, Position, Principal, WebhookId, WebhookName};
use serde_json::{Value, json};

use crate::mcp::gateway::answer::explained;
use crate::mcp::gateway::{Gateway, arguments};
use fanfare_delivery::registry::Entry;

impl Gateway {
    /// Finds the webhook that an argument names.
    fn webhook(&self, by: &Principal, id: &str, example: &str) -> Result<Arc<Entry>, String> {
        if let Ok(name) = id.parse::<WebhookName>() {
            return self.webhooks.find_named(by, &name).map_err(|problem| refused(problem, example));
        }
        let id: WebhookId = id
            .parse()
            .map_err(|invalid| format!("{} {LISTED}", arguments::refuse("webhook_id", &invalid, example)))?;
        self.webhooks.find(by, &id).map_err(|problem| refused(problem, example))
    }

    /// Reads a position of this log, or of an earlier one that deliveries can be of.
    async fn delivery_place(
        &self,
        id: &WebhookId,
        name: &str,
        text: &str,
        example: &str,
    ) -> Result<Position, String> {
        if let Ok(position) = text.parse()
            && self.webhooks.check_place(id, position, name).await.is_ok()
        {
            return Ok(position);
        }
        arguments::position(&self.hub, name, text, example)
    }
}

const LISTED: &str = "`list_targets` with {\"kind\": \"webhooks\"} lists the webhooks with their ids.";

/// Describes the argument that names a webhook.
fn id() -> Value {
    json!({ "type": "string", "description": "Webhook id, such as `wh_k3f9x2ab5cdefghi`, or name; listed by `list_targets`" })
}

/// Describes a refusal in the words of every door; where this one has words of its own, the code decides.
fn refused(refusal: impl Into<Refusal>, example: &str) -> String {
    let refusal = refusal.into();
    match refusal.code {
        Code::NotFound => format!("{}. {LISTED} Example: {example}", refusal.what),
        // Not of the arguments, so an example would not help.
        Code::OutcomeUnknown
        | Code::RateLimited
        | Code::ShuttingDown
        | Code::StoreDamaged
        | Code::StoreFailed
        | Code::StoreUnavailable => explained(refusal),
        _ => format!("{}. Example: {example}. Nothing was done", explained(refusal)),
    }
}
