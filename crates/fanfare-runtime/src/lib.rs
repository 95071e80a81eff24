//! The foundation of everything that runs: the clock, the table of parts, shutdown, metrics, shares and the budget of
//! bytes, and the fail points at which a test ends the process.

pub mod budget;
pub mod bulk;
pub mod clock;
pub mod fail_point;
pub mod log_level;
pub mod parts;
#[cfg(target_os = "linux")]
pub mod process;
pub mod shares;
pub mod shutdown;
pub mod telemetry;
pub mod turns;
