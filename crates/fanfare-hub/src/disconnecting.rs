//! Who is connected, and disconnecting them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanfare_core::{Agent, Caller, Principal};

use crate::Hub;
use crate::client::{Client, Transport};
use crate::denials::Face;
use crate::session::{Ending, NewSession, Presence, Session};
use crate::subscribe::Request;

/// Somebody who is connected.
#[derive(Debug, Clone)]
pub enum Connected {
    /// A subscription by itself.
    Client(Arc<Client>),
    /// A session of MCP, with its subscriptions.
    Session(Arc<Session>, Vec<Arc<Client>>),
}

/// Why nobody was disconnected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDisconnected {
    /// The gateway runs in the process of this client, and would end with it.
    Host,
    /// Nobody has this number.
    Missing,
}

impl Connected {
    /// Returns the number.
    pub fn id(&self) -> u64 {
        match self {
            Connected::Client(client) => client.id,
            Connected::Session(session, _) => session.id,
        }
    }

    fn principal(&self) -> &Principal {
        match self {
            Connected::Client(client) => &client.principal,
            Connected::Session(session, _) => &session.principal,
        }
    }

    fn transport(&self) -> Transport {
        match self {
            Connected::Client(client) => client.transport,
            Connected::Session(..) => Transport::Mcp,
        }
    }
}

impl Hub {
    /// Returns those whom `by` connected, oldest first. A subscription of a session is a part of the session.
    pub fn connected(&self, by: &Principal) -> Vec<Connected> {
        let mut of_sessions: HashMap<u64, Vec<Arc<Client>>> = HashMap::new();
        let sessions = self.shared.clients.sessions();
        let ids: HashSet<u64> = sessions.iter().map(|session| session.id).collect();
        let mut connected = Vec::new();
        for client in self.shared.clients.list() {
            match client.session.filter(|id| ids.contains(id)) {
                Some(session) => of_sessions.entry(session).or_default().push(client),
                None => connected.push(Connected::Client(client)),
            }
        }
        connected.extend(sessions.into_iter().map(|session| {
            let clients = of_sessions.remove(&session.id).unwrap_or_default();
            Connected::Session(session, clients)
        }));
        connected.retain(|one| self.owns(by, &one.principal().owner()));
        connected.sort_unstable_by_key(Connected::id);
        connected
    }

    /// Ends a subscription or a session of `by`; a subscriber gets a notice first. With `deny_for`, refuses those with
    /// the same traits for that long. Returns who it was.
    pub fn disconnect(
        &self,
        by: &Principal,
        id: u64,
        deny_for: Option<Duration>,
    ) -> Result<Connected, NotDisconnected> {
        let mut connected = self.connected(by);
        let index =
            connected.binary_search_by_key(&id, Connected::id).map_err(|_| NotDisconnected::Missing)?;
        let one = connected.swap_remove(index);
        // Before the end, so that a client that returns at once is refused.
        let deny = |face| {
            if let Some(time) = deny_for {
                self.shared.denials.add(face, time, Instant::now());
            }
        };
        match &one {
            Connected::Client(client) => {
                deny(client.face);
                // It is no longer listed, even if its socket takes a moment to close.
                self.shared.clients.remove(id);
                client.dismiss();
            }
            Connected::Session(session, _) => {
                let ending = session.ending.as_ref().ok_or(NotDisconnected::Host)?;
                let name = session.introduction().and_then(|introduction| introduction.name);
                deny(self.face_of(session, name.as_ref()));
                self.forget_session(id);
                ending();
            }
        }
        let transport = one.transport();
        self.counts().disconnected(transport);
        let denied_s = deny_for.map(|time| time.as_secs());
        tracing::info!(
            client = id,
            transport = transport.as_str(),
            denied_s,
            "a caller disconnected a client"
        );
        Ok(one)
    }

    /// Lists a session of `by`, which `ending` ends. Fails with the time that is left if it is denied.
    pub fn attend(
        &self,
        by: &Principal,
        new: NewSession,
        ending: Option<Ending>,
    ) -> Result<Presence, Duration> {
        let session = self.shared.clients.begin_session(by, new, ending);
        let presence = Presence { hub: self.clone(), session };
        match self.denied(self.face_of(&presence.session, None)) {
            Some(left) => Err(left),
            None => Ok(presence),
        }
    }

    pub(super) fn forget_session(&self, id: u64) {
        self.shared.clients.remove_session(id);
    }

    /// Returns what a client is recognised by: its principal and address, its transport, the name that it claims for
    /// itself, its reader, and the filter that it asks for. Neither its port nor its position counts: both differ when it
    /// returns.
    pub(crate) fn face(&self, by: &Principal, request: &Request) -> Face {
        let client = &request.client;
        let caller = Caller::new(by, client.address);
        self.shared.denials.face((caller, client.transport, &client.agent, &client.reader, &request.filter))
    }

    /// Returns what a session is recognised by: its principal and address, its wire, and the names that it claims for
    /// itself, in its requests and when it initializes.
    pub(super) fn face_of(&self, session: &Session, name: Option<&Agent>) -> Face {
        let caller = Caller::new(&session.principal, session.new.address);
        self.shared.denials.face(("session", caller, session.new.wire, &session.new.agent, name))
    }

    /// Returns the time for which clients with this face are still denied.
    pub(crate) fn denied(&self, face: Face) -> Option<Duration> {
        self.shared.denials.left(face, Instant::now())
    }
}
