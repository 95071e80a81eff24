//! Limits that several parts of the door share.

/// Maximum message: an event with all its data, written with escapes.
pub const MESSAGE_LEN_MAX: usize = 4 * 1024 * 1024;
