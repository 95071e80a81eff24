//! The rules for where webhooks may be sent at this moment: the gateway may listen on more addresses than when it
//! started.

use std::sync::Arc;

use fanfare_core::Endpoint;
use fanfare_webhook::policy::{Mode, Policy};
use fanfare_webhook::proxy::ProxyUrl;
use tokio::sync::watch;

/// The rules for addresses; cheap to clone.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The operator's policy; its `own` is not used.
    policy: Arc<Policy>,
    listeners: watch::Receiver<Vec<Endpoint>>,
}

impl Rules {
    /// Creates the rules from the operator's policy and the gateway's listening addresses.
    pub fn new(policy: Policy, listeners: watch::Receiver<Vec<Endpoint>>) -> Rules {
        Rules { policy: Arc::new(policy), listeners }
    }

    /// Returns the rules of this moment for a caller or a webhook that is trusted no more than `mode`.
    pub fn now(&self, mode: Mode) -> Policy {
        let own = self.listeners.borrow().iter().filter_map(Endpoint::network).collect();
        Policy { own, ..Policy::clone(&self.policy) }.under(mode)
    }

    /// Returns the proxy through which receivers on other machines are reached.
    pub fn proxy(&self) -> Option<&ProxyUrl> {
        self.policy.proxy.as_ref()
    }

    /// Returns the stricter of `mode` and the mode of the gateway.
    pub fn mode(&self, mode: Mode) -> Mode {
        self.policy.mode.max(mode)
    }
}
