//! What everything that runs stands on: the clock, the table of what runs, stopping, what is measured, how many
//! bytes are in flight, steps at which a test ends the process.

pub mod budget;
pub mod clock;
pub mod fail_point;
pub mod parts;
pub mod shutdown;
pub mod telemetry;
