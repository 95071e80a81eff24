//! The receiver of one webhook, as it is defined at the moment: where it is called, and what is signed with.

use std::sync::Arc;

use fanfare_webhook::signature::SigningKeys;

use crate::parts::Parts;
use crate::target::Target;
use crate::webhook::Webhook;

/// A definition, and what is made of it once for all attempts.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) webhook: Arc<Webhook>,
    pub(super) target: Arc<Target>,
    pub(super) keys: Arc<SigningKeys>,
}

impl Receiver {
    /// Prepares what attempts at a webhook have in common.
    pub(super) fn new(parts: &Parts, webhook: Arc<Webhook>) -> Receiver {
        let target = Arc::new(Target::new(&webhook, &parts.hub.epoch().to_string()));
        let keys = Arc::new(webhook.signing_keys());
        Receiver { webhook, target, keys }
    }
}
