//! Idle connections: kept open to a receiver while nothing is sent over them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::client::connection::Connection;
use crate::target::Target;

/// Maximum idle connections to one receiver.
const IDLE_CONNECTIONS_MAX: usize = 16;

/// The idle connections to one receiver.
#[derive(Debug)]
pub(super) struct Idle {
    /// The receiver that the connections lead to, and the rules that they were opened under.
    target: Arc<Target>,
    connections: Vec<Connection>,
    /// Wakes when the first connection may have been idle for too long.
    closing: Pin<Box<Sleep>>,
}

impl Idle {
    /// Creates an empty pool of connections to `target`.
    pub(super) fn new(target: Arc<Target>) -> Idle {
        Idle { target, connections: Vec::new(), closing: Box::pin(tokio::time::sleep(Duration::ZERO)) }
    }

    /// Keeps connections to `target` from now on, and closes those to another, or of other rules.
    pub(super) fn lead_to(&mut self, target: Arc<Target>) {
        if !self.leads_to(&target) {
            self.connections.clear();
        }
        self.target = target;
    }

    /// Returns whether connections of this pool can be used for `target`. A pool with its own authorities
    /// serves only the same target object: each definition of a webhook prepares its authorities again.
    fn leads_to(&self, target: &Target) -> bool {
        let has_same_trust = match (&self.target.tls, &target.tls) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, Some(_)) | (Some(_), None) => false,
        };
        has_same_trust && self.target.url == target.url && self.target.mode == target.mode
    }

    /// Takes a connection for a request.
    pub(super) fn take(&mut self) -> Option<Connection> {
        self.connections.pop()
    }

    /// Keeps a connection to `target` for later requests, unless the pool is full or the connection is not
    /// worth keeping. A connection to an earlier address of the webhook is closed: later requests would go to
    /// the wrong receiver.
    pub(super) fn keep(&mut self, connection: Connection, target: &Target) {
        if self.leads_to(target) && self.connections.len() < IDLE_CONNECTIONS_MAX && connection.may_be_idle()
        {
            self.connections.push(connection);
        }
    }

    /// Returns `true` if there are no connections.
    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Waits until a connection may have been idle for too long.
    pub(super) async fn due(&mut self) {
        self.closing.as_mut().await;
    }

    /// Closes the connections that were idle for too long, because each costs a descriptor at both ends. Sets the timer
    /// for the next of the others.
    pub(super) fn close_due(&mut self) {
        let now = Instant::now();
        self.connections.retain(|connection| connection.idle_until() > now);
        if let Some(next) = self.connections.iter().map(Connection::idle_until).min() {
            self.closing.as_mut().reset(next);
        }
    }
}
