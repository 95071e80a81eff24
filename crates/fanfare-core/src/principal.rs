//! Principals and doors: who calls, and how.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::agent::Agent;
use crate::limits::PRINCIPAL_LEN_MAX;
use crate::peer::Peer;
use crate::printable::is_printable;

/// The caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// 1–64 bytes without control characters: engines use it as a prefix, followed by such a character.
    name: Arc<str>,
}

impl Principal {
    /// The name of [`Principal::local`].
    pub const LOCAL: &str = "local";

    /// Returns the principal of a gateway that does not authenticate its callers.
    pub fn local() -> Principal {
        Principal { name: Arc::from(Principal::LOCAL) }
    }

    /// Returns the principal with this name, unless it is empty, over 64 bytes long, or has control characters.
    pub fn named(name: &str) -> Option<Principal> {
        is_printable(name, PRINCIPAL_LEN_MAX).then(|| Principal { name: Arc::from(name) })
    }

    /// Returns the name that is written into events as their source.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns the owner that marks what belongs to this principal.
    pub fn owner(&self) -> Owner {
        Owner(Arc::clone(&self.name))
    }
}

/// The principal that a webhook, a durable reader or an idempotency key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(
    /// The name of a principal.
    Arc<str>,
);

impl Owner {
    /// Returns the principal's name, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the principal, to act for it.
    pub fn principal(&self) -> Principal {
        Principal { name: Arc::clone(&self.0) }
    }
}

/// The way by which an event entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// The samples of `fanfare demo`.
    Demo,
    /// `POST /api/push`.
    Http,
    /// `POST /ingest/{kind}`: the words are another program's.
    Ingest,
    /// A tool call.
    Mcp,
    /// `publish` on a WebSocket.
    WebSocket,
}

impl Door {
    /// All doors.
    pub const ALL: [Door; 5] = [Door::Demo, Door::Http, Door::Ingest, Door::Mcp, Door::WebSocket];

    /// Returns the name on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Door::Demo => "demo",
            Door::Http => "http",
            Door::Ingest => "ingest",
            Door::Mcp => "mcp",
            Door::WebSocket => "websocket",
        }
    }

    /// Parses a name that [`Door::as_str`] returned.
    pub fn from_name(name: &str) -> Option<Door> {
        Door::ALL.into_iter().find(|door| door.as_str() == name)
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Door {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The origin of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The name of the principal that pushed the event.
    pub principal: Arc<str>,
    /// The door that the event came through, as the door itself knows.
    pub door: Door,
    /// The name that the caller gave itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Agent>,
}

/// The way that a push came in; made by the door.
#[derive(Debug, Clone)]
pub struct Via {
    /// The door.
    pub door: Door,
    /// The address of the other end; `None` for the user who started this process.
    pub address: Option<Peer>,
    /// The name that the caller gives itself.
    pub agent: Option<Agent>,
}

impl Via {
    /// Returns the source of the events that `by` pushes this way.
    pub fn source(&self, by: &Principal) -> Source {
        Source { principal: Arc::clone(by.name()), door: self.door, agent: self.agent.clone() }
    }
}
