//! What everything that runs stands on: the clock, stopping, what is measured, steps at which a test ends the process.

pub mod clock;
pub mod fail_point;
pub mod shutdown;
pub mod telemetry;
