//! The MCP door: agents push, read and wait through tools.
//!
//! A transport frames bytes, identifies the caller and its era ([`caller`]), and passes messages to the [`engine`],
//! which knows every method and no transport. The engine serves a [`service::Service`]; the gateway's is in
//! [`gateway`].

pub mod answer;
pub mod call;
pub mod caller;
pub mod client;
pub mod engine;
pub mod gateway;
pub mod limits;
pub mod outbox;
pub mod pace;
pub mod service;
pub mod session;
pub mod toolset;
pub mod transports;
