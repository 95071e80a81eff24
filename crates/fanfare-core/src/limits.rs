//! The bounds on values, each with its reason. Bounds on queues and sockets are defined beside them.

/// Maximum length of a channel's segment, in bytes: long enough for a UUID with a prefix.
pub const CHANNEL_SEGMENT_LEN_MAX: usize = 64;
/// Maximum segments of a channel: matching a pattern walks them.
pub const CHANNEL_SEGMENTS_MAX: usize = 8;
/// Maximum length of a channel, in bytes: a few rows of a terminal, and an index page holds many of them.
pub const CHANNEL_LEN_MAX: usize = 255;
/// Maximum length of an event type, in bytes.
pub const TYPE_LEN_MAX: usize = 64;
/// Maximum length of a message, in bytes: a long log excerpt; for anything larger, push a link to it.
pub const MESSAGE_LEN_MAX: usize = 256 * 1024;
/// Maximum length of `data`, in bytes of JSON text, for the same reason.
pub const DATA_LEN_MAX: usize = 256 * 1024;
/// Maximum levels of arrays and objects in `data`: parsers of JSON stop at a depth of their own, the strictest in wide
/// use at about a thousand, and one event that they cannot read makes a whole page unreadable.
pub const DATA_DEPTH_MAX: usize = 128;
/// Maximum length of a conflation key, in bytes.
pub const KEY_LEN_MAX: usize = 128;
/// Maximum length of an idempotency key, in bytes: room for two UUIDs.
pub const IDEMPOTENCY_KEY_LEN_MAX: usize = 128;
/// The time that an idempotency key is kept, in seconds: a day covers any sensible retry loop.
pub const IDEMPOTENCY_WINDOW_SECONDS: i64 = 24 * 60 * 60;
/// Maximum events in one push: a commit of this size still takes well under a second.
pub const BATCH_LEN_MAX: usize = 10_000;
/// Maximum patterns, and maximum types, in one filter: each costs a comparison per event.
pub const FILTER_TERMS_MAX: usize = 64;
/// Maximum length of a text filter, in bytes.
pub const FILTER_TEXT_LEN_MAX: usize = 256;
/// Maximum length of a reader name, in bytes.
pub const READER_LEN_MAX: usize = 64;
/// Maximum length of a webhook's name, in bytes.
pub const WEBHOOK_NAME_LEN_MAX: usize = 64;
/// Maximum length of the name that a caller gives itself, in bytes; a longer one is cut. It is stored with each event.
pub const AGENT_LEN_MAX: usize = 128;
/// Maximum length of an original, in bytes: a push of 2,048 commits to GitHub has 1.2 MB. It is stored beside its events,
/// and a webhook holds it while it sends it.
pub const ORIGINAL_LEN_MAX: usize = 2 * 1024 * 1024;
/// Maximum length of the head of an original, in bytes: more than the servers of receivers accept.
pub const ORIGINAL_HEAD_LEN_MAX: usize = 32 * 1024;
/// Maximum headers of an original, for the same reason.
pub const ORIGINAL_HEADERS_MAX: usize = 100;
/// Maximum length of a principal's name, in bytes.
pub const PRINCIPAL_LEN_MAX: usize = 64;
/// Maximum time that a request waits for something, in seconds: proxies and hosts of agents abandon it after a minute.
pub const WAIT_SECONDS_MAX: u64 = 55;
/// Minimum interval of keepalives, in seconds: the tick of the threads that send them.
pub const KEEPALIVE_SECONDS_MIN: u64 = 1;
/// Maximum interval of keepalives, in seconds: common load balancers forget a connection that is silent for 350 s.
pub const KEEPALIVE_SECONDS_MAX: u64 = 5 * 60;
/// Maximum duration that is accepted, in seconds: ten years, longer than any retention.
pub const DURATION_SECONDS_MAX: u64 = 10 * 366 * 24 * 60 * 60;
