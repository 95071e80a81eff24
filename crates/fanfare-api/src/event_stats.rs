//! The statistics of events.

use fanfare_core::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;

/// The number of events over time.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventStats {
    /// The width of each bucket.
    #[schema(value_type = values::DurationText)]
    pub bucket: String,
    /// The buckets, oldest first and without holes. Each starts at a whole multiple of the width since 1970, UTC.
    pub buckets: Vec<EventBucket>,
    /// The sum of all buckets.
    pub total: EventCounts,
    /// Whether every event of the selection was counted. If not, the oldest are missing: a request counts a limited
    /// part of the log.
    pub complete: bool,
    /// If not every event was counted: the time from which on they were. The buckets before have no events, and that
    /// of this time not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub counted_since: Option<Timestamp>,
}

/// The number of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventCounts {
    /// Number of all events.
    pub events: u64,
    /// Number of them that have the type `warning`.
    pub warnings: u64,
    /// Number of them that have the type `error`.
    pub errors: u64,
}

/// The number of events in a part of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventBucket {
    /// The start of that part.
    #[schema(value_type = values::Timestamp)]
    pub started_at: Timestamp,
    /// The events.
    #[serde(flatten)]
    pub counts: EventCounts,
}
