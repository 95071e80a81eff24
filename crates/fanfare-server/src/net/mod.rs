//! The network beneath the doors: accepting connections, client addresses, bodies within limits, frames, the heartbeat,
//! and connections that are taken over. It knows no route and no method.

pub mod body;
pub mod connection;
pub mod counts;
pub mod event_body;
pub mod frames;
pub mod guard;
pub mod heartbeat;
pub mod limits;
pub mod listeners;
pub mod reactor;
pub mod server;
pub mod stalls;
pub mod takeover;

use std::net::SocketAddr;

use fanfare_core::{Agent, Door, Via};
use http::{HeaderMap, header};

/// The client's address; the server adds it to every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Returns the way that a request came in through `door`.
pub fn via(door: Door, Peer(address): Peer, headers: &HeaderMap) -> Via {
    Via { door, address: Some(address), agent: agent(headers) }
}

/// Returns the name that the caller claims for itself.
pub fn agent(headers: &HeaderMap) -> Option<Agent> {
    let claim = headers.get(header::USER_AGENT)?;
    Agent::claimed(&String::from_utf8_lossy(claim.as_bytes()))
}
