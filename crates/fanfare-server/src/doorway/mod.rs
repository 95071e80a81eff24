//! What every door has in common: who is at the other end, bodies within bounds, frames, the heartbeat, and taking a
//! connection over.

pub mod body;
pub mod frames;
pub mod heartbeat;
pub mod takeover;

use std::net::SocketAddr;

/// The other end of a connection; put into every request by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);
