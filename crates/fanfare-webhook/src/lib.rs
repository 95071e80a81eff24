//! Webhooks: their settings, where they may send, how they sign, and when they retry.
//!
//! The store keeps these values and the dispatcher acts on them. Time and random numbers are arguments here as
//! everywhere.

pub mod address;
pub mod allow;
pub mod auth;
pub mod authorities;
pub mod breaker;
pub mod headers;
pub mod inbound;
pub mod ingest;
pub mod limits;
pub mod message_id;
pub mod options;
pub mod outcome;
pub mod patch;
pub mod pause;
pub mod policy;
pub mod retry;
pub mod retry_after;
pub mod rotation;
pub mod secret;
pub mod signature;
mod stored;
pub mod url;
#[cfg(test)]
mod vectors;
pub mod verify;
