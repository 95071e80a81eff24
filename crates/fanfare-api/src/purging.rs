//! What was purged.

use fanfare_core::{Channel, Position};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;

/// A channel that was purged.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PurgedChannel {
    /// The name of the channel.
    #[schema(value_type = values::Channel)]
    pub name: Channel,
    /// What was removed.
    #[serde(flatten)]
    pub removed: Purged,
}

/// An event that was redacted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RedactedEvent {
    /// The event.
    #[schema(value_type = values::Position)]
    pub id: Position,
    /// What was removed.
    #[serde(flatten)]
    pub removed: Purged,
}

/// What a purge removed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Purged {
    /// Number of events that lost their content; 0 if they had lost it before.
    pub events: u64,
    /// Number of webhook deliveries that were waiting or had failed, and were removed.
    pub deliveries: u64,
    /// Number of webhook attempts that were removed.
    pub attempts: u64,
    /// Whether the content has left the gateway's disk; `false` while another program reads the file of the log.
    pub erased: bool,
}
