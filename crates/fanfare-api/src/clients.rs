//! The connected clients.

use fanfare_core::{EventType, Pattern, Peer, Position, ReaderName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;
use crate::words::{ClientState, Priority, Transport};

/// A page of the connected clients.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClientList {
    /// The clients, oldest connection first.
    pub clients: Vec<ClientEntry>,
    /// Pass as `cursor` to get the next page; omitted on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Number of clients on all pages.
    pub total: usize,
}

/// A live subscription.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClientEntry {
    /// The id of the client, which no other connection to this process has.
    #[schema(value_type = values::ClientId)]
    pub id: String,
    /// How it is connected.
    pub transport: Transport,
    /// The principal that opened it.
    pub principal: String,
    /// The remote address, or the user and the process that connected to a Unix socket; omitted for the client that started the gateway's process.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub address: Option<Peer>,
    /// The name that it claims for itself: its `User-Agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<String>,
    /// The patterns it subscribes to.
    #[schema(value_type = Vec<values::Pattern>)]
    pub channels: Vec<Pattern>,
    /// The event types it subscribes to; empty means all.
    #[schema(value_type = Vec<values::EventType>)]
    pub types: Vec<EventType>,
    /// The minimum priority.
    pub min_priority: Priority,
    /// The durable reader that this connection belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::ReaderName>, nullable = false)]
    pub reader: Option<ReaderName>,
    /// When it connected.
    #[schema(value_type = values::Timestamp)]
    pub connected_at: Timestamp,
    /// Its current position.
    #[schema(value_type = values::Position)]
    pub position: Position,
    /// Number of events that it has not received yet; while replaying, events of all kinds.
    pub lag: u64,
    /// Whether it is live, replaying or stalled.
    pub state: ClientState,
}
