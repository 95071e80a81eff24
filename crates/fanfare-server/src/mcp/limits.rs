//! Limits that several parts of the door share.

/// Maximum concurrent calls per session: each may wait up to a minute for its answer.
pub const CALLS_MAX: usize = 64;
/// Maximum message: an event with all its data, written with escapes.
pub const MESSAGE_LEN_MAX: usize = 4 * 1024 * 1024;
