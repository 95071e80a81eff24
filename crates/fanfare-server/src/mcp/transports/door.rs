//! The state that the transports over HTTP share.

use std::sync::Arc;

use fanfare_core::{Peer, Principal, keepalive};
use fanfare_mcp::Error;
use http::StatusCode;
use http::request::Parts;

use crate::mcp::client::Client;
use crate::mcp::engine::Server;
use crate::mcp::outbox::Outbox;
use crate::mcp::session::Session;
use crate::mcp::session::table::Sessions;
use crate::mcp::toolset::Toolset;
use crate::mcp::transports::refusal::Refusal;
use crate::net::heartbeat::Beats;
use crate::net::locality::Locality;
use fanfare_hub::Hub;
use fanfare_hub::session::{Ending, NewSession, Wire};
use fanfare_hub::subscribe::denied;
use fanfare_runtime::budget::{Account, Budget};

/// The settings that an operator can change.
#[derive(Debug, Clone, Copy, Default)]
pub struct Config {
    /// The widest set of tools that a caller may see; default essential.
    pub toolset: Toolset,
}

/// The state that the transports over HTTP share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Door {
    /// The server, which answers requests.
    pub server: Server,
    /// The table of sessions.
    pub sessions: Sessions,
    /// The list of those who are connected.
    pub hub: Hub,
    /// The budget for bytes in flight.
    pub budget: Budget,
    /// The heartbeat that tells when a silent stream needs a sign of life, at the interval of the gateway.
    pub beats: Beats,
    /// The widest set of tools that a caller may see.
    pub toolset: Toolset,
}

impl Door {
    /// Returns the share of memory of a client.
    pub fn account(&self, client: &Client) -> Account {
        self.budget.account(&client.caller())
    }

    /// Begins a session that is kept in the table. Fails if an operator denies this client.
    pub(super) fn begin(&self, client: Client, outbox: Outbox, wire: Wire) -> Result<Arc<Session>, Refusal> {
        let session = self.sessions.begin(client, outbox)?;
        let (sessions, whose) = (self.sessions.clone(), Arc::downgrade(&session));
        let ending = move || {
            if let Some(session) = whose.upgrade() {
                sessions.dismiss(&session);
            }
        };
        if let Err(refusal) = self.attend(&session, wire, Some(Box::new(ending))) {
            self.sessions.end(&session);
            return Err(refusal);
        }
        Ok(session)
    }

    /// Lists a session among those who are connected. Fails if an operator denies this client.
    pub(super) fn attend(
        &self,
        session: &Session,
        wire: Wire,
        ending: Option<Ending>,
    ) -> Result<(), Refusal> {
        let Client { principal, address, agent, .. } = &session.client;
        let new = NewSession { wire, address: *address, agent: agent.clone() };
        let presence = self.hub.attend(principal, new, ending).map_err(|left| {
            Refusal::new(StatusCode::FORBIDDEN, Error::invalid_request(denied(left).to_string()))
        })?;
        session.attend(presence);
        Ok(())
    }

    /// Lists the session of the client whose process hosts the gateway.
    pub fn attend_host(&self, session: &Session) {
        // Nobody can disconnect it, so it is not denied either.
        let _ = self.attend(session, Wire::Stdio, None);
    }

    /// Returns the toolset that a query asks for, at most the one that the operator allows. Other parameters belong to
    /// those who added them to the URL.
    pub(super) fn toolset(&self, query: &str) -> Result<Toolset, Error> {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let Some((_, name)) = pairs.find(|(key, _)| key == "toolset") else { return Ok(self.toolset) };
        let toolset = Toolset::from_name(&name).ok_or_else(|| {
            Error::invalid_params("`toolset` in the URL must be `essential`, `all` or `readonly`")
        })?;
        Ok(toolset.min(self.toolset))
    }

    /// Returns the beats at the interval of keepalives that a query asks for, or else at that of the gateway.
    pub(super) fn beats(&self, parts: &Parts) -> Result<Beats, Error> {
        let query = parts.uri.query().unwrap_or_default();
        let wanted = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "keepalive");
        let Some((_, interval)) = wanted else { return Ok(self.beats.clone()) };
        let interval = keepalive::parse(&interval).map_err(|invalid| {
            Error::invalid_params(format!("`keepalive` in the URL: {}; {}", invalid.what, invalid.fix))
        })?;
        Ok(self.beats.every(interval))
    }

    /// Returns the identity and address of the caller.
    pub(super) fn client(&self, principal: Principal, peer: Peer, parts: &Parts) -> Result<Client, Error> {
        Ok(Client {
            principal,
            address: Some(peer),
            agent: crate::net::guard::agent(&parts.headers),
            locality: parts.extensions.get().copied().unwrap_or(Locality::Elsewhere),
            toolset: self.toolset(parts.uri.query().unwrap_or_default())?,
        })
    }
}
