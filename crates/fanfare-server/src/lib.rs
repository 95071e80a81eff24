//! The doors on the network: HTTP, MCP and the dashboard, and the sockets beneath them.
//!
//! Invariant: `{http, mcp, dashboard} → net → problem`. Doors do not see each other, and none of them can name the
//! store: this crate does not depend on it.

pub mod dashboard;
pub mod http;
pub mod mcp;
pub mod net;
pub mod problem;
