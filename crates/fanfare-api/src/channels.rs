//! The existing channels.

use fanfare_core::{Channel, Position, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;

/// A page of the channels that have had an event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChannelList {
    /// The channels, ordered by name.
    pub channels: Vec<ChannelEntry>,
    /// Pass as `cursor` to get the next page; omitted on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Number of channels on all pages.
    pub total: usize,
}

/// A channel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChannelEntry {
    /// The name of the channel.
    #[schema(value_type = values::Channel)]
    pub name: Channel,
    /// Total events pushed to it.
    pub events: u64,
    /// The position of its last event.
    #[schema(value_type = values::Position)]
    pub last_id: Position,
    /// The time of its last event.
    #[schema(value_type = values::Timestamp)]
    pub last_timestamp: Timestamp,
    /// Events per second over the last minute.
    pub rate: f64,
    /// Number of live subscriptions that match it.
    pub stream_clients: usize,
}
