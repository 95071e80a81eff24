//! Where webhooks may be sent, as of this moment: the gateway may listen on more addresses than when it started.

use std::net::SocketAddr;
use std::sync::Arc;

use fanfare_webhook::policy::Policy;
use tokio::sync::watch;

/// The rules for addresses; cheap to clone.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What the operator says; `own` is not looked at.
    policy: Arc<Policy>,
    listeners: watch::Receiver<Vec<SocketAddr>>,
}

impl Rules {
    /// Takes what the operator says, and where the gateway listens.
    pub fn new(policy: Policy, listeners: watch::Receiver<Vec<SocketAddr>>) -> Rules {
        Rules { policy: Arc::new(policy), listeners }
    }

    /// Gives the rules of this moment.
    pub fn now(&self) -> Policy {
        Policy { own: self.listeners.borrow().clone(), ..Policy::clone(&self.policy) }
    }
}
