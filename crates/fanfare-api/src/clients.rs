//! The connected clients.

use fanfare_core::{EventType, Pattern, Peer, Position, ReaderName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values;
use crate::words::{ClientState, Priority, SessionWire, Transport};

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

/// A session of MCP.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClientSession {
    /// The wire of MCP.
    pub wire: SessionWire,
    /// The revision of the protocol that was negotiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub protocol_version: Option<String>,
    /// The name of the client's software, as `initialize` said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_name: Option<String>,
    /// The version of the client's software, as `initialize` said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_version: Option<String>,
    /// Number of live subscriptions that it has: of calls that wait for an event, and of watched resources.
    pub subscriptions: usize,
}

/// A live subscription, or a session of MCP with its subscriptions.
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
    /// The patterns it subscribes to; empty for a session that listens to nothing.
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
    /// Its current position; of a session, that of the subscription that is furthest behind, or the end of the log.
    #[schema(value_type = values::Position)]
    pub position: Position,
    /// Number of events that it has not received yet; while replaying, events of all kinds.
    pub lag: u64,
    /// Whether it is live, replaying or stalled, or a session that listens to nothing.
    pub state: ClientState,
    /// The session of MCP; omitted for other clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<ClientSession>,
}
