//! Who is connected.

use std::net::SocketAddr;

use fanfare_core::{EventType, Pattern, Position, ReaderName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;
use crate::words::{ClientState, Priority, Transport};

/// Everybody who is connected.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClientList {
    /// The oldest connection first.
    pub clients: Vec<ClientEntry>,
    /// How many.
    pub total: usize,
}

/// A live subscription.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClientEntry {
    /// Its number.
    pub client: u64,
    /// How it listens.
    pub transport: Transport,
    /// Who opened it.
    pub principal: String,
    /// The other end; `null` for who started the gateway's process.
    #[schema(value_type = Option<String>, required = true)]
    pub address: Option<SocketAddr>,
    /// The patterns it subscribes to.
    #[schema(value_type = Vec<values::Pattern>)]
    pub patterns: Vec<Pattern>,
    /// Which types; none means all.
    #[schema(value_type = Vec<values::EventType>)]
    pub types: Vec<EventType>,
    /// The minimum priority.
    pub min_priority: Priority,
    /// The durable reader that it is a connection of.
    #[schema(value_type = Option<values::ReaderName>, required = true)]
    pub reader: Option<ReaderName>,
    /// When it connected.
    #[schema(value_type = values::Timestamp)]
    pub connected_at: Timestamp,
    /// Its current position.
    #[schema(value_type = values::Position)]
    pub position: Position,
    /// How many events it has yet to get; while replaying, events of all kinds.
    pub lag: u64,
    /// Where it is in the log.
    pub state: ClientState,
}
