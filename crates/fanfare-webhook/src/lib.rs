//! Webhooks: their settings, where they may send, how they sign, and when they retry.
//!
//! The store keeps these values and the dispatcher acts on them. Time and random numbers are arguments here as
//! everywhere.

pub mod address;
pub mod advice;
pub mod allow;
pub mod auth;
pub mod authorities;
pub mod breaker;
pub mod differences;
pub mod headers;
pub mod inbound;
pub mod ingest;
pub mod limits;
pub mod masked;
pub mod message_id;
pub mod method;
pub mod options;
pub mod outcome;
pub mod patch;
pub mod pause;
mod plain_secret;
pub mod policy;
pub mod proxy;
pub mod retry;
pub mod retry_after;
pub mod rotation;
pub mod sample;
pub mod secret;
pub mod selector;
pub mod signature;
mod stored;
pub mod template;
pub mod url;
#[cfg(test)]
mod vectors;
pub mod verify;
