//! Durable readers.

use fanfare_core::{EventType, Pattern, Position, ReaderName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;
use crate::words::Priority;

/// A page of the durable readers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Readers {
    /// The readers, ordered by name.
    pub readers: Vec<Reader>,
    /// Pass as `cursor` to get the next page; omitted on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Number of readers on all pages.
    pub total: usize,
}

/// A durable reader.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Reader {
    /// The name of the reader.
    #[schema(value_type = values::ReaderName)]
    pub name: ReaderName,
    /// The last position that it acknowledged.
    #[schema(value_type = values::Position)]
    pub position: Position,
    /// The patterns it subscribes to.
    #[schema(value_type = Vec<values::Pattern>)]
    pub channels: Vec<Pattern>,
    /// The event types it subscribes to; empty means all.
    #[schema(value_type = Vec<values::EventType>)]
    pub types: Vec<EventType>,
    /// The minimum priority that it subscribes to.
    pub min_priority: Priority,
    /// Text that the messages it subscribes to contain, ASCII case-insensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<Box<str>>,
    /// Number of connections of the reader.
    pub connected: usize,
    /// Number of matching events that it has not acknowledged yet. If this is not exact, all events, matching or not.
    pub lag: u64,
    /// Whether `lag` counts only matching events: up to 10,000 of them, and fewer if there are many readers. In
    /// the response to a change, only 0 is exact.
    pub lag_is_exact: bool,
    /// The time at which it was last opened or last acknowledged an event.
    #[schema(value_type = values::Timestamp)]
    pub updated_at: Timestamp,
}

/// The body of an acknowledgement.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// The position up to which everything is acknowledged.
    #[schema(value_type = values::Position)]
    pub position: Position,
}

/// The filter and the position of a durable reader. Omitted parts of the filter let everything pass.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReaderSettings {
    /// The patterns to subscribe to; none means every channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<values::Pattern>>)]
    pub channels: Vec<Pattern>,
    /// The event types to subscribe to; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<values::EventType>>)]
    pub types: Vec<EventType>,
    /// The minimum priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_priority: Option<Priority>,
    /// Text that the message contains, ASCII case-insensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Box<str>>,
    /// The position up to which everything counts as acknowledged; omitted, it stays, and a new reader starts at the end
    /// of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>)]
    pub position: Option<Position>,
}
