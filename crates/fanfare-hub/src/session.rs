//! Sessions of MCP as others see them: who is connected, even while it listens to nothing.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fanfare_core::{Agent, Peer, Principal, Timestamp};

use crate::Hub;

/// The wires of MCP that keep a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// The protocol of `GET /mcp/sse`.
    Connection,
    /// HTTP+SSE.
    HttpSse,
    /// The standard input and output of the process that hosts the gateway.
    Stdio,
    /// Streamable HTTP.
    StreamableHttp,
    /// A WebSocket.
    WebSocket,
}

impl Wire {
    /// Returns the name that callers see.
    pub fn as_str(self) -> &'static str {
        match self {
            Wire::Connection => "connection",
            Wire::HttpSse => "http_sse",
            Wire::Stdio => "stdio",
            Wire::StreamableHttp => "streamable_http",
            Wire::WebSocket => "websocket",
        }
    }
}

/// Ends a session in the door that keeps it.
pub type Ending = Box<dyn Fn() + Send + Sync>;

/// The description of a session that begins.
#[derive(Debug)]
pub struct NewSession {
    /// The wire.
    pub wire: Wire,
    /// The address of the other end.
    pub address: Option<Peer>,
    /// The name that the client claims for itself in each request.
    pub agent: Option<Agent>,
}

/// What a client says of itself when it initializes its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// The name of the software.
    pub name: Option<Agent>,
    /// The version of the software.
    pub version: Option<Agent>,
    /// The revision of the protocol that both agreed on.
    pub revision: &'static str,
}

/// A session.
pub struct Session {
    /// The session's number, which no client has either.
    pub id: u64,
    /// The principal that began the session.
    pub principal: Principal,
    /// How it is connected, and from where.
    pub new: NewSession,
    /// The time at which the session began.
    pub connected_at: Timestamp,
    /// Guards what the client said of itself; held for one look or change.
    introduction: Mutex<Option<Introduction>>,
    /// `None` if the gateway would end with the session.
    pub(super) ending: Option<Ending>,
}

impl Session {
    pub(super) fn begin(
        id: u64,
        by: &Principal,
        new: NewSession,
        connected_at: Timestamp,
        ending: Option<Ending>,
    ) -> Session {
        Session { id, principal: by.clone(), new, connected_at, introduction: Mutex::default(), ending }
    }

    /// Returns what the client said of itself.
    pub fn introduction(&self) -> Option<Introduction> {
        self.introduction.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("new", &self.new).finish_non_exhaustive()
    }
}

/// A session's place in the list of those who are connected; it is listed until this is dropped.
#[derive(Debug)]
pub struct Presence {
    pub(super) hub: Hub,
    pub(super) session: Arc<Session>,
}

impl Presence {
    /// Returns the session's number.
    pub fn id(&self) -> u64 {
        self.session.id
    }

    /// Records what the client says of itself. Fails with the time that is left if it is denied.
    pub fn introduce(&self, introduction: Introduction) -> Result<(), Duration> {
        let left = self.hub.denied(self.hub.face_of(&self.session, introduction.name.as_ref()));
        *self.session.introduction.lock().unwrap_or_else(PoisonError::into_inner) = Some(introduction);
        left.map_or(Ok(()), Err)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.hub.forget_session(self.session.id);
    }
}
