//! The tools that manage webhooks: doors on the verbs of `webhooks`, for those whom the operator lets do that.
//!
//! None of them tells a secret. What a model reads may be read by others, and the receiver alone needs it: people get
//! it where they are, from the command line, the dashboard or over HTTP.

pub(super) mod attempt;
pub(super) mod delete;
pub(super) mod deliveries;
mod one;
pub(super) mod register;
pub(super) mod replay;
pub(super) mod retry;
pub(super) mod row;
pub(super) mod switching;
pub(super) mod test;

use std::sync::Arc;

use fanfare_core::{Principal, WebhookId};
use serde_json::{Value, json};

use crate::mcp::gateway::{Gateway, arguments};
use fanfare_delivery::registry::Entry;
use fanfare_delivery::service::Refused;

impl Gateway {
    /// Finds the webhook that an argument names.
    fn webhook(&self, by: &Principal, id: &str, example: &str) -> Result<Arc<Entry>, String> {
        let id: WebhookId = id
            .parse()
            .map_err(|invalid| format!("{} {LISTED}", arguments::refuse("webhook", &invalid, example)))?;
        self.webhooks.find(by, &id).map_err(|problem| refused(problem, example))
    }
}

const LISTED: &str = "`list_targets` with {\"kind\": \"webhooks\"} lists the webhooks with their ids.";

/// Describes the argument that names a webhook.
fn id() -> Value {
    json!({ "type": "string", "description": "The id of a webhook, such as `wh_k3f9x2ab5cdefghi`: `list_targets` has it" })
}

/// Says why it was refused, and what to do.
fn refused(refused: Refused, example: &str) -> String {
    match refused {
        Refused::Busy => {
            "as many requests to webhooks as may be are under way because somebody asked; try again in ten seconds"
                .to_owned()
        }
        Refused::Invalid(invalid) => {
            let name = invalid.at.trim_start_matches('/');
            let problem = match name {
                "" => format!("{}; {}. Example: {example}", invalid.what, invalid.fix),
                name => arguments::refuse(name, &invalid, example),
            };
            format!("{problem}. Nothing was done")
        }
        Refused::NotFound { what } => format!("there is no {what}. {LISTED} Example: {example}"),
        Refused::Store(error) => {
            tracing::error!(%error, "the store failed");
            "the gateway could not read or write what it keeps of webhooks; its own log says why; try again in a moment"
                .to_owned()
        }
    }
}
