//! Durable readers.

use fanfare_core::{EventType, Pattern, Position, ReaderName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;
use crate::words::Success;

/// Every durable reader.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Readers {
    /// In order of the name.
    pub readers: Vec<Reader>,
    /// How many.
    pub total: usize,
}

/// A durable reader.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Reader {
    /// Its name.
    #[schema(value_type = values::ReaderName)]
    pub reader: ReaderName,
    /// What it has acknowledged.
    #[schema(value_type = values::Position)]
    pub position: Position,
    /// The patterns it subscribes to.
    #[schema(value_type = Vec<values::Pattern>)]
    pub patterns: Vec<Pattern>,
    /// Which types; none means all.
    #[schema(value_type = Vec<values::EventType>)]
    pub types: Vec<EventType>,
    /// How many connections it has.
    pub connected: usize,
    /// How many matching events it has yet to acknowledge, up to 10,000.
    pub lag: u64,
    /// Whether all of them were counted.
    pub lag_is_exact: bool,
    /// When it was last opened or acknowledged something.
    #[schema(value_type = values::Timestamp)]
    pub updated: Timestamp,
}

/// What became of one reader.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReaderAnswer {
    /// `success`.
    pub status: Success,
    /// Its name.
    #[schema(value_type = values::ReaderName)]
    pub reader: ReaderName,
    /// What it has acknowledged; left out when it is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::Position>, nullable = false)]
    pub position: Option<Position>,
}

/// The body of an acknowledgement.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// Everything up to here is acknowledged.
    #[schema(value_type = values::Position)]
    pub position: Position,
}
