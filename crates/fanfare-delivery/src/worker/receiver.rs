//! The receiver of one webhook by its current definition: its URL and signing keys.

use std::sync::Arc;

use fanfare_webhook::signature::SigningKeys;

use crate::parts::Parts;
use crate::target::Target;
use crate::webhook::Webhook;

/// A definition, with the parts that are prepared once for all attempts.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) webhook: Arc<Webhook>,
    pub(super) target: Arc<Target>,
    pub(super) keys: Arc<SigningKeys>,
}

impl Receiver {
    /// Prepares the common parts of the attempts at a webhook.
    pub(super) fn new(parts: &Parts, webhook: Arc<Webhook>) -> Receiver {
        let target = Arc::new(Target::new(&webhook, &parts.hub.epoch().to_string()));
        let keys = Arc::new(webhook.signing_keys());
        Receiver { webhook, target, keys }
    }
}
