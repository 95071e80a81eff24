//! Idle connections: kept open to a receiver while nothing is sent over them.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::client::connection::Connection;

/// Maximum idle connections to one receiver.
const IDLE_CONNECTIONS_MAX: usize = 16;

/// The idle connections to one receiver.
#[derive(Debug)]
pub(super) struct Idle {
    connections: Vec<Connection>,
    /// Wakes when the first connection may have been idle for too long.
    closing: Pin<Box<Sleep>>,
}

impl Idle {
    /// Creates an empty pool.
    pub(super) fn new() -> Idle {
        Idle { connections: Vec::new(), closing: Box::pin(tokio::time::sleep(Duration::ZERO)) }
    }

    /// Takes a connection for a request.
    pub(super) fn take(&mut self) -> Option<Connection> {
        self.connections.pop()
    }

    /// Keeps a connection for later requests, unless there are enough or it is not worth it.
    pub(super) fn keep(&mut self, connection: Connection) {
        if self.connections.len() < IDLE_CONNECTIONS_MAX && connection.may_be_idle() {
            self.connections.push(connection);
        }
    }

    /// Closes all connections.
    pub(super) fn clear(&mut self) {
        self.connections.clear();
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
