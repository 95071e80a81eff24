//! The statistics of a webhook.

use fanfare_core::{Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;

/// The attempts at one webhook since the gateway started. Tests and resends are not counted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookStats {
    /// The webhook.
    #[schema(value_type = values::WebhookId)]
    pub webhook_id: WebhookId,
    /// The attempts of the last 24 hours.
    pub day: AttemptCounts,
    /// The width of each bucket: `1m` or `1h`.
    #[schema(value_type = values::DurationText)]
    pub bucket: String,
    /// The attempts of each minute of the last hour, or of each hour of the last day, oldest first.
    pub buckets: Vec<AttemptBucket>,
    /// The duration that half of the latest attempts did not exceed, in microseconds. The latest attempts are at most
    /// 50, tests and resends among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub p50_us: Option<u64>,
    /// The duration that 95 % of them did not exceed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub p95_us: Option<u64>,
    /// The time of the last attempt, also if it was made before the gateway started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Timestamp>, nullable = false)]
    pub last_attempt_at: Option<Timestamp>,
}

/// The number of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptCounts {
    /// Number of 2xx responses.
    pub delivered: u32,
    /// Number of all other attempts.
    pub failed: u32,
}

/// The number of attempts that started in one minute or hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptBucket {
    /// The start of the minute or hour.
    #[schema(value_type = values::Timestamp)]
    pub started_at: Timestamp,
    /// The attempts.
    #[serde(flatten)]
    pub counts: AttemptCounts,
}
