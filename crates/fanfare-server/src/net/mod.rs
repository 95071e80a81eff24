//! The network beneath the doors: accepting connections, client addresses, bodies within limits, frames, the heartbeat,
//! and connections that are taken over. It knows no route and no method.

pub mod access;
pub mod activity;
pub mod base_path;
pub mod body;
pub mod connection;
pub mod connections;
pub mod counts;
pub mod encoding;
pub mod event_body;
pub mod event_head;
mod exchange;
pub mod extended_connect;
pub mod frames;
pub mod guard;
pub mod heartbeat;
pub mod joined;
pub mod json;
pub mod limits;
pub mod listeners;
pub mod locality;
pub mod metered;
pub mod origin;
pub mod pace;
pub mod reactor;
pub mod request_tasks;
pub mod server;
pub mod silence;
pub mod socket;
pub mod stalls;
pub mod stopping;
pub mod streams;
pub mod takeover;
pub mod tunnel;
pub mod unix_socket;
pub mod unread;
