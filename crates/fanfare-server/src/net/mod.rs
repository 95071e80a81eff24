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

/// The client's address; the server adds it to every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);
