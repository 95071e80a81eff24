//! The time that each phase of an attempt took.

use std::time::{Duration, Instant};

use serde::Serialize;

/// The phases in microseconds; `None` for a phase that was not needed or not reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// The look-up of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_us: Option<u64>,
    /// The opening of the connection; `None` if one was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<u64>,
    /// The TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<u64>,
    /// The wait from the request to the head of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_us: Option<u64>,
    /// The wait from there to the end of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_us: Option<u64>,
    /// The whole attempt.
    pub total_us: u64,
}

/// Returns a duration in microseconds.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Returns the microseconds since `begun`.
pub(super) fn since(begun: Instant) -> u64 {
    micros(begun.elapsed())
}
