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
    json!({ "type": "string", "description": "Webhook id, such as `wh_k3f9x2ab5cdefghi`; listed by `list_targets`" })
}

/// Describes the refusal, and how to avoid it.
fn refused(refused: Refused, example: &str) -> String {
    match refused {
        Refused::Busy => {
            "the maximum number of on-demand webhook requests is already in progress; try again in ten seconds"
                .to_owned()
        }
        Refused::Changed { what } => format!("{what} has changed; read it again. Nothing was done"),
        Refused::Invalid(invalid) => {
            let name = invalid.at.trim_start_matches('/');
            let problem = match name {
                "" => format!("{}; {}. Example: {example}", invalid.what, invalid.fix),
                name => arguments::refuse(name, &invalid, example),
            };
            format!("{problem}. Nothing was done")
        }
        Refused::NotFound { what } => format!("unknown {what}. {LISTED} Example: {example}"),
        Refused::Store(error) => {
            tracing::error!(%error, "the store failed");
            "the gateway could not read or write its webhook data; the cause is in its server log; try again in a moment"
                .to_owned()
        }
    }
}
