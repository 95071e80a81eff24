//! Principals and doors: who calls, and how.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The name that is written into events as their source.
    pub name: Arc<str>,
}

impl Principal {
    /// Returns the principal of a gateway that does not authenticate its callers.
    pub fn local() -> Principal {
        Principal { name: Arc::from("local") }
    }
}

/// The way by which an event entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// The `fanfare` command.
    Cli,
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
    pub const ALL: [Door; 6] = [Door::Cli, Door::Demo, Door::Http, Door::Ingest, Door::Mcp, Door::WebSocket];

    /// Returns the name on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Door::Cli => "cli",
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
    /// The door that it used.
    pub door: Door,
}
