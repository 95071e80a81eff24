//! Webhooks: what is registered, how it fares, and what was tried.

pub mod attempts;
pub mod deliveries;
pub mod registration;
pub mod replay;
pub mod secrets;
pub mod webhook;
