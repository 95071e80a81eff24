//! The bounds on what a webhook may want, each with its reason, and what it has when its registration does not say.

use std::time::Duration;

/// Most deliveries on their way to one receiver at a time.
pub const CONCURRENCY_MAX: u32 = 128;
/// Deliveries on their way to one receiver when nothing is said: enough that a receiver which takes 100 ms gets 160 a
/// second.
pub const CONCURRENCY_DEFAULT: u32 = 16;
/// Highest rate that is worth saying, in deliveries per second.
pub const RATE_PER_SECOND_MAX: u32 = 10_000;
/// Most events of a batch.
pub const BATCH_EVENTS_MAX: u32 = 1_000;
/// Events of a batch when nothing is said.
pub const BATCH_EVENTS_DEFAULT: u32 = 100;
/// Longest that an event waits for others.
pub const BATCH_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long an event waits for others when nothing is said.
pub const BATCH_WAIT_DEFAULT: Duration = Duration::from_secs(1);
/// Longest description, in bytes.
pub const DESCRIPTION_LEN_MAX: usize = 256;
