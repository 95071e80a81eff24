//! The MCP door: agents push, look and wait through tools.
//!
//! A transport frames bytes, finds out who calls and in which era ([`caller`]), and hands messages to the [`engine`],
//! which knows every method and no transport. What is served is a [`service::Service`]; the gateway's is in
//! [`gateway`].

pub mod call;
pub mod caller;
pub mod client;
pub mod engine;
pub mod gateway;
pub mod limits;
pub mod outbox;
pub mod service;
pub mod session;
pub mod toolset;
pub mod transports;
