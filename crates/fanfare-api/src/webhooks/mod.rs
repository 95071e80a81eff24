//! Webhooks: registrations, health, deliveries and attempts.

pub mod attempts;
pub mod credentials;
pub mod deliveries;
pub mod preview;
pub mod registration;
pub mod replay;
pub mod sample;
pub mod secrets;
pub mod sent;
pub mod stats;
pub mod webhook;
