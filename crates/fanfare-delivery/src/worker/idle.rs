//! Connections that are kept open to a receiver while nothing is sent over them.

use std::pin::Pin;
use std::time::Duration;

use fanfare_webhook::url::WebhookUrl;
use tokio::time::{Instant, Sleep};

use crate::client::connection::Connection;

/// Most connections that are kept open to a receiver while nothing is sent.
const IDLE_CONNECTIONS_MAX: usize = 16;

/// The idle connections to one receiver.
#[derive(Debug)]
pub(super) struct Idle {
    /// Where they lead.
    url: WebhookUrl,
    connections: Vec<Connection>,
    /// Wakes when the first of them may have been idle for long enough.
    closing: Pin<Box<Sleep>>,
}

impl Idle {
    /// Starts without any to the receiver at `url`.
    pub(super) fn new(url: WebhookUrl) -> Idle {
        Idle { url, connections: Vec::new(), closing: Box::pin(tokio::time::sleep(Duration::ZERO)) }
    }

    /// Keeps connections to the receiver at `url` from now on, and closes those to another.
    pub(super) fn lead_to(&mut self, url: &WebhookUrl) {
        if self.url != *url {
            self.connections.clear();
        }
        self.url = url.clone();
    }

    /// Takes one for a request.
    pub(super) fn take(&mut self) -> Option<Connection> {
        self.connections.pop()
    }

    /// Keeps a connection to `url` for what comes, unless there are enough or it is not worth it. One that leads to an
    /// earlier address of the webhook is closed: what comes would go to the wrong receiver.
    pub(super) fn keep(&mut self, connection: Connection, url: &WebhookUrl) {
        if self.url == *url && self.connections.len() < IDLE_CONNECTIONS_MAX && connection.may_be_idle() {
            self.connections.push(connection);
        }
    }

    /// Returns whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Waits until one of them may have been idle for long enough.
    pub(super) async fn due(&mut self) {
        self.closing.as_mut().await;
    }

    /// Closes the connections that nobody used for long: each costs a descriptor, here and there. Sees to the others when
    /// the next of them may be due.
    pub(super) fn close_due(&mut self) {
        let now = Instant::now();
        self.connections.retain(|connection| connection.idle_until() > now);
        if let Some(next) = self.connections.iter().map(Connection::idle_until).min() {
            self.closing.as_mut().reset(next);
        }
    }
}
