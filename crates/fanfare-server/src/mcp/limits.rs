//! Bounds that several parts of the door keep.

/// Most calls of one session at once: each may wait for its answer for a minute.
pub const CALLS_MAX: usize = 64;
/// Largest message: an event with all its data, written with escapes.
pub const MESSAGE_LEN_MAX: usize = 4 * 1024 * 1024;
