//! How long each phase of an attempt took.

use std::time::{Duration, Instant};

use serde::Serialize;

/// Microseconds; a phase that was not needed or not reached has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// Asking for the addresses of a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_us: Option<u64>,
    /// Opening the connection; nothing when one was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<u64>,
    /// Agreeing on TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<u64>,
    /// From the request to the head of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_us: Option<u64>,
    /// From there to the end of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_us: Option<u64>,
    /// All of it.
    pub total_us: u64,
}

/// Gives the microseconds of a duration.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Gives the microseconds since `begun`.
pub(super) fn since(begun: Instant) -> u64 {
    micros(begun.elapsed())
}
