//! The limits on one connection, and what decides how many there can be.

use std::time::Duration;

/// Maximum time for a request head. Also the maximum time that an idle connection is kept for the next request.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum connections in a listener's queue: a crowd of reconnecting clients.
pub const BACKLOG: i32 = 4_096;
/// Maximum request head: enough for a browser with many cookies of other programs on `localhost`.
pub const HEADER_LEN_MAX: usize = 32 * 1024;
/// Maximum streams of one HTTP/2 connection: a browser opens one connection for all its tabs.
pub const HTTP2_STREAMS_MAX: u32 = 256;
/// Maximum bytes that a conversation or a stream of HTTP/2 holds for a client that does not read: one frame of HTTP/2 (RFC
/// 9113, section 4.2). The rest is in the log.
pub const KEPT_LEN_MAX: usize = 16 * 1024;
/// Bytes that a stream's socket buffers before they are on the wire: the backlog of a slow subscriber stays in the
/// shared ring, not in the kernel's memory.
pub const NOT_SENT_LEN_MAX: u32 = 128 * 1024;

/// What decides how many connections there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedBy {
    /// The setting `max-connections`.
    MaxConnections,
    /// The operating system's limit on open files, which is lower.
    OpenFiles,
}
