//! Disconnecting clients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fanfare_core::{Caller, Principal};

use crate::Hub;
use crate::client::Client;
use crate::denials::Face;
use crate::subscribe::Request;

impl Hub {
    /// Ends a client of `by`, after a notice that says so; with `deny_for`, refuses clients with its traits for that
    /// long. Returns the client, or `None` if there is none with this number.
    pub fn disconnect(&self, by: &Principal, id: u64, deny_for: Option<Duration>) -> Option<Arc<Client>> {
        let client = self.shared.clients.find(id)?;
        if !self.owns(by, &client.principal.owner()) {
            return None;
        }
        // Before the end, so that a client that returns at once is refused.
        if let Some(time) = deny_for {
            self.shared.denials.add(client.face, time, Instant::now());
        }
        // It is no longer listed, even if its socket takes a moment to close.
        self.shared.clients.remove(id);
        client.dismiss();
        let transport = client.transport;
        self.counts().disconnected(transport);
        let denied_s = deny_for.map(|time| time.as_secs());
        tracing::info!(
            client = id,
            transport = transport.as_str(),
            denied_s,
            "a caller disconnected a client"
        );
        Some(client)
    }

    /// Returns what a client is recognised by: its principal and address, its transport, the name that it claims for
    /// itself, its reader, and the filter that it asks for. Neither its port nor its position counts: both differ when it
    /// returns.
    pub(crate) fn face(&self, by: &Principal, request: &Request) -> Face {
        let client = &request.client;
        let caller = Caller::new(by, client.address);
        self.shared.denials.face((caller, client.transport, &client.agent, &client.reader, &request.filter))
    }

    /// Returns the time for which clients with this face are still denied.
    pub(crate) fn denied(&self, face: Face) -> Option<Duration> {
        self.shared.denials.left(face, Instant::now())
    }
}
