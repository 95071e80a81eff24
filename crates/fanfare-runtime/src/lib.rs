//! The foundation of everything that runs: the clock, the table of parts, shutdown, metrics, the budget of bytes in
//! flight, and the fail points at which a test ends the process.

pub mod budget;
pub mod clock;
pub mod fail_point;
pub mod parts;
pub mod shutdown;
pub mod telemetry;
