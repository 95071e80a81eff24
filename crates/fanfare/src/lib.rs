//! The gateway.

pub mod dashboard;
