//! Clients: who is connected, and how far they are.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fanfare_core::{Principal, ReaderName, Timestamp};

use crate::feeds::Feed;

/// One live subscription, as others may look at it.
#[derive(Debug)]
pub struct Client {
    /// Its number, unique while the process runs.
    pub id: u64,
    /// Who opened it.
    pub principal: Principal,
    /// The outlet.
    pub transport: Transport,
    /// The other end.
    pub address: Option<SocketAddr>,
    /// What it reads.
    pub feed: Arc<Feed>,
    /// The durable reader that it is a connection of.
    pub reader: Option<ReaderName>,
    /// Since when.
    pub connected_at: Timestamp,
    /// It was to get what comes after this seq.
    pub began_after: u64,
    /// While live: the ordinal in the feed that comes next.
    pub(super) ordinal: AtomicU64,
    /// Everything up to this seq was handed to the outlet or did not pass the filter.
    pub(super) seq: AtomicU64,
    state: AtomicU8,
}

/// The outlets with live connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// An agent that waits, or is told of a channel's resource.
    Mcp,
    /// Server-sent events.
    Sse,
    /// A webhook: no connection, and nobody who listens live.
    Webhook,
    /// WebSocket.
    WebSocket,
}

impl Transport {
    /// Says whether somebody listens live.
    pub fn is_live(self) -> bool {
        self != Transport::Webhook
    }

    /// Gives the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Mcp => "mcp",
            Transport::Sse => "sse",
            Transport::Webhook => "webhook",
            Transport::WebSocket => "websocket",
        }
    }
}

/// What a subscription is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientState {
    /// It reads from the ring.
    Live,
    /// It reads from the store.
    Replaying,
    /// Its socket takes nothing at the moment.
    Stalled,
}

impl ClientState {
    /// Gives the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ClientState::Live => "live",
            ClientState::Replaying => "replaying",
            ClientState::Stalled => "stalled",
        }
    }
}

impl Client {
    /// Gives the last seq that it has.
    pub fn seq(&self) -> u64 {
        self.seq.load(Ordering::Relaxed)
    }

    /// Says what it is doing.
    pub fn state(&self) -> ClientState {
        match self.state.load(Ordering::Relaxed) {
            0 => ClientState::Live,
            1 => ClientState::Replaying,
            _ => ClientState::Stalled,
        }
    }

    /// Notes what it is doing.
    pub fn set_state(&self, state: ClientState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Says whether there may be something that it has yet to get.
    pub fn is_behind(&self) -> bool {
        let ordinal = self.ordinal.load(Ordering::Relaxed);
        ordinal == NOT_LIVE || ordinal < self.feed.end()
    }

    /// Counts what it has yet to get: exactly while it reads from the ring, otherwise what the log has after its
    /// position, whether it passes the filter or not.
    pub fn lag(&self, head: u64) -> u64 {
        match self.ordinal.load(Ordering::Relaxed) {
            NOT_LIVE => head.saturating_sub(self.seq()),
            ordinal => self.feed.end().saturating_sub(ordinal),
        }
    }
}

/// The ordinal of a client that does not read from the ring.
pub(super) const NOT_LIVE: u64 = u64::MAX;

/// What is told of a client when it subscribes.
#[derive(Debug)]
pub struct NewClient {
    /// The outlet.
    pub transport: Transport,
    /// The other end.
    pub address: Option<SocketAddr>,
    /// The durable reader that it is a connection of.
    pub reader: Option<ReaderName>,
}

/// Everybody who is connected.
#[derive(Debug, Default)]
pub struct Clients {
    /// Guards the table; held for one insertion, removal or copy.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Those who listen live.
    by_id: HashMap<u64, Arc<Client>>,
    last_id: u64,
}

impl Clients {
    /// Adds a client that `by` opens at `seq`, not live yet.
    pub fn add(
        &self,
        by: &Principal,
        new: NewClient,
        feed: Arc<Feed>,
        seq: u64,
        now: Timestamp,
    ) -> Arc<Client> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.last_id += 1;
        let client = Arc::new(Client {
            id: table.last_id,
            principal: by.clone(),
            transport: new.transport,
            address: new.address,
            feed,
            reader: new.reader,
            connected_at: now,
            began_after: seq,
            ordinal: AtomicU64::new(NOT_LIVE),
            seq: AtomicU64::new(seq),
            state: AtomicU8::new(ClientState::Replaying as u8),
        });
        if client.transport.is_live() {
            table.by_id.insert(client.id, Arc::clone(&client));
        }
        client
    }

    /// Removes a client.
    pub fn remove(&self, id: u64) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).by_id.remove(&id);
    }

    /// Counts them.
    pub fn count(&self) -> usize {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).by_id.len()
    }

    /// Gives all of them, the oldest first.
    pub fn list(&self) -> Vec<Arc<Client>> {
        let mut list: Vec<_> =
            self.table.lock().unwrap_or_else(PoisonError::into_inner).by_id.values().cloned().collect();
        list.sort_unstable_by_key(|client| client.id);
        list
    }
}
