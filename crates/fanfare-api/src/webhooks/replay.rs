//! Replayed deliveries.

use fanfare_core::duration::Literal;
use fanfare_core::{Pattern, Position};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;

/// The deliveries to replay: `event_ids`, or a `state`, or a part of the log.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Only the deliveries of these events; at most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<values::Position>>, min_items = 1, max_items = 1000)]
    pub event_ids: Option<Vec<Position>>,
    /// Only deliveries in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub state: Option<ReplayedState>,
    /// Only events since then: `10m` or RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Moment>)]
    pub since: Option<Literal>,
    /// Only events before then: `10m` or RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Moment>)]
    pub until: Option<Literal>,
    /// Only channels that match one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<values::Pattern>, max_items = 64)]
    pub channels: Vec<Pattern>,
    /// Only events after this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>)]
    pub after: Option<Position>,
    /// The `next_cursor` of the previous call; all other members stay the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether to only count them; required, because forgetting it would send them.
    pub dry_run: bool,
}

/// A state of deliveries that can be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReplayedState {
    /// Not retried.
    Failed,
}

/// The result of a replay.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// Number of deliveries that are replayed.
    pub count: usize,
    /// Number of deliveries that were already waiting and are only sent sooner.
    pub waiting: usize,
    /// Whether they were only counted.
    pub dry_run: bool,
    /// There are more: pass this as `cursor` to continue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}
