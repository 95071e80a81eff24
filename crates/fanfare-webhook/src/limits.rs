//! The bounds on a webhook's settings, each with its reason, and the defaults.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Maximum concurrent deliveries to one receiver.
pub const CONCURRENCY_MAX: u32 = 128;
/// The default number of concurrent deliveries to one receiver: enough that a receiver that needs 100 ms gets 160 per
/// second.
pub const CONCURRENCY_DEFAULT: u32 = 16;
/// Maximum rate that can be set, in deliveries per second.
pub const RATE_PER_SECOND_MAX: u32 = 10_000;
/// Maximum events of a batch.
pub const BATCH_EVENTS_MAX: u32 = 1_000;
/// The default number of events in a batch.
pub const BATCH_EVENTS_DEFAULT: u32 = 100;
/// Maximum time that an event waits for others.
pub const BATCH_WAIT_MAX: Duration = Duration::from_secs(60);
/// The default time that an event waits for others.
pub const BATCH_WAIT_DEFAULT: Duration = Duration::from_secs(1);
/// The bounds of `timeout`: a receiver that needs longer than a minute should respond first and work afterwards.
pub const TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
/// The default maximum duration of an attempt.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// Maximum length of a content type, in bytes.
pub const CONTENT_TYPE_LEN_MAX: usize = 128;
/// Maximum length of a description, in bytes.
pub const DESCRIPTION_LEN_MAX: usize = 256;
