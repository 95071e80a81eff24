//! The bounds on values, each with its reason. Bounds on queues and sockets stand where those are.

/// Longest segment of a channel, in bytes: long enough for a UUID with a prefix.
pub const CHANNEL_SEGMENT_LEN_MAX: usize = 64;
/// Most segments of a channel: matching a pattern walks them.
pub const CHANNEL_SEGMENTS_MAX: usize = 8;
/// Longest channel, in bytes: fits one row of a terminal twice over, and an index page many times.
pub const CHANNEL_LEN_MAX: usize = 255;
/// Longest event type, in bytes.
pub const TYPE_LEN_MAX: usize = 64;
/// Longest message, in bytes: a long log excerpt; bigger things belong in a file whose address is pushed.
pub const MESSAGE_LEN_MAX: usize = 256 * 1024;
/// Longest `data`, in bytes of JSON text, for the same reason.
pub const DATA_LEN_MAX: usize = 256 * 1024;
/// Longest conflation key, in bytes.
pub const KEY_LEN_MAX: usize = 128;
/// Longest idempotency key, in bytes: room for two UUIDs.
pub const IDEMPOTENCY_KEY_LEN_MAX: usize = 128;
/// How long an idempotency key is remembered, in seconds: a day covers any retry loop worth the name.
pub const IDEMPOTENCY_WINDOW_SECONDS: i64 = 24 * 60 * 60;
/// Most events in one push: a commit of this size still takes well under a second.
pub const BATCH_LEN_MAX: usize = 10_000;
/// Most patterns, and most types, in one filter: each costs a comparison per event.
pub const FILTER_TERMS_MAX: usize = 64;
/// Longest text filter, in bytes.
pub const FILTER_TEXT_LEN_MAX: usize = 256;
/// Longest reader name, in bytes.
pub const READER_LEN_MAX: usize = 64;
/// Longest name that a caller gives itself, in bytes; what is longer is cut. It is stored with each event.
pub const AGENT_LEN_MAX: usize = 128;
/// Longest name of a principal, in bytes.
pub const PRINCIPAL_LEN_MAX: usize = 64;
/// Longest duration that is understood, in seconds: ten years, past any retention.
pub const DURATION_SECONDS_MAX: u64 = 10 * 366 * 24 * 60 * 60;
