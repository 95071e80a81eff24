//! Who is calling, and through which door.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The name that is written into events as their source.
    pub name: Arc<str>,
}

impl Principal {
    /// Gives the principal of a gateway that asks nobody who they are.
    pub fn local() -> Principal {
        Principal { name: Arc::from("local") }
    }
}

/// The way in that an event took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// The `fanfare` command.
    Cli,
    /// The samples of `fanfare demo`.
    Demo,
    /// `POST /api/push`.
    Http,
    /// `POST /ingest/{kind}`: the words are somebody else's.
    Ingest,
    /// A tool call.
    Mcp,
    /// `publish` on a WebSocket.
    WebSocket,
}

impl Door {
    /// All doors.
    pub const ALL: [Door; 6] = [Door::Cli, Door::Demo, Door::Http, Door::Ingest, Door::Mcp, Door::WebSocket];

    /// Gives the name on the wire and in the store.
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

    /// Reads what [`Door::as_str`] wrote.
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

/// Where an event came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Who pushed it.
    pub principal: Arc<str>,
    /// Through which door.
    pub door: Door,
}
