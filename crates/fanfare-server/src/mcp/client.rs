//! The client at the other end of a connection.

use fanfare_core::{Agent, Caller, Peer, Principal};

use crate::mcp::toolset::Toolset;
use crate::net::locality::Locality;

/// The other end of a connection, as long as it lasts.
#[derive(Debug, Clone)]
pub struct Client {
    /// The identity of the client.
    pub principal: Principal,
    /// The remote address; `None` for the client that started this process.
    pub address: Option<Peer>,
    /// The name that the client claims for itself.
    pub agent: Option<Agent>,
    /// Where the client is.
    pub locality: Locality,
    /// The tools that it sees.
    pub toolset: Toolset,
}

impl Client {
    /// Returns the caller whose share of memory and sessions the client uses.
    pub fn caller(&self) -> Caller {
        Caller::new(&self.principal, self.address)
    }
}
