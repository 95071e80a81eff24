//! Who is at the other end of a connection.

use std::net::SocketAddr;

use fanfare_core::{Agent, Principal};

use crate::mcp::toolset::Toolset;

/// The other end of a connection, as long as it lasts.
#[derive(Debug, Clone)]
pub struct Client {
    /// Who it is.
    pub principal: Principal,
    /// Where it is; nothing for the one who started this process.
    pub address: Option<SocketAddr>,
    /// What it says that it is.
    pub agent: Option<Agent>,
    /// It is on this machine, and nobody stands between.
    pub is_local: bool,
    /// The tools that it sees.
    pub toolset: Toolset,
}
