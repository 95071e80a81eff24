//! The channels that there are.

use fanfare_core::{Channel, Position, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;

/// Every channel that has had an event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChannelList {
    /// In order of the name.
    pub channels: Vec<ChannelEntry>,
    /// How many.
    pub total: usize,
}

/// A channel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChannelEntry {
    /// Its name.
    #[schema(value_type = values::Channel)]
    pub channel: Channel,
    /// How many events were ever pushed to it.
    pub events: u64,
    /// Its last event.
    #[schema(value_type = values::Position)]
    pub last_id: Position,
    /// When that was.
    #[schema(value_type = values::Timestamp)]
    pub last_timestamp: Timestamp,
    /// Events per second over the last minute.
    pub rate: f64,
    /// How many live subscriptions match it.
    pub stream_clients: usize,
}
