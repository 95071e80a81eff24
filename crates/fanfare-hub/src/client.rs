//! Clients: who is connected, and at which position.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fanfare_core::{Agent, Epoch, Peer, Position, Principal, ReaderName, Timestamp};

use crate::denials::Face;
use crate::feed::Feed;
use crate::own;
use crate::session::{Ending, NewSession, Session};
use fanfare_runtime::clock;
use fanfare_store::ReaderKey;

/// One live subscription, as others see it.
#[derive(Debug)]
pub struct Client {
    /// The client's number, unique while the process runs.
    pub id: u64,
    /// The principal that opened the subscription.
    pub principal: Principal,
    /// The outlet.
    pub transport: Transport,
    /// The address of the other end.
    pub address: Option<Peer>,
    /// The name that the client claims for itself.
    pub agent: Option<Agent>,
    /// The traits that the client is recognised by when it returns.
    pub(super) face: Face,
    /// The feed that the client reads.
    pub feed: Arc<Feed>,
    /// The durable reader that this connection reads for.
    pub reader: Option<ReaderName>,
    /// The number of the session of MCP that the client belongs to.
    pub session: Option<u64>,
    /// The time of the connection.
    pub connected_at: Timestamp,
    /// The seq after which the client asked to start.
    pub began_after: u64,
    /// The end of the log when the client joined its feed.
    pub(super) joined_at: Position,
    /// The ordinal in the feed that comes next, while the client is live.
    pub(super) ordinal: AtomicU64,
    /// The epoch of `seq`; changes only when the log is replaced.
    epoch: Mutex<Epoch>,
    /// The seq up to which every event was handed to the outlet or did not pass the filter.
    pub(super) seq: AtomicU64,
    state: AtomicU8,
    /// Whether an operator has disconnected the client.
    dismissed: AtomicBool,
}

/// The outlets that clients are connected through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A request for the history that waits for an event.
    Http,
    /// An agent that waits for events, or is notified of changes to a channel's resource.
    Mcp,
    /// Server-sent events.
    Sse,
    /// A webhook: it has no connection, and does not count as a live subscriber.
    Webhook,
    /// A WebSocket.
    WebSocket,
}

impl Transport {
    /// Returns `true` if a live subscriber is at the other end.
    pub fn is_live(self) -> bool {
        self != Transport::Webhook
    }

    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Http => "http",
            Transport::Mcp => "mcp",
            Transport::Sse => "sse",
            Transport::Webhook => "webhook",
            Transport::WebSocket => "websocket",
        }
    }
}

/// The state of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientState {
    /// The subscription reads from the ring.
    Live,
    /// The subscription reads from the store.
    Replaying,
    /// The client's socket accepts no bytes at the moment.
    Stalled,
}

impl ClientState {
    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ClientState::Live => "live",
            ClientState::Replaying => "replaying",
            ClientState::Stalled => "stalled",
        }
    }
}

impl Client {
    /// Returns the last position that the client has.
    pub fn position(&self) -> Position {
        let epoch = *self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        Position { epoch, seq: self.seq() }
    }

    /// Returns `true` if the client has `event`.
    pub fn has(&self, event: Position) -> bool {
        let position = self.position();
        position.epoch == event.epoch && position.seq >= event.seq
    }

    /// Moves the client to a place in another log.
    pub(super) fn go_to(&self, position: Position) {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        *epoch = position.epoch;
        self.seq.store(position.seq, Ordering::Relaxed);
    }

    /// Returns the last seq that the client has.
    pub fn seq(&self) -> u64 {
        self.seq.load(Ordering::Relaxed)
    }

    /// Returns the current state.
    pub fn state(&self) -> ClientState {
        match self.state.load(Ordering::Relaxed) {
            0 => ClientState::Live,
            1 => ClientState::Replaying,
            _ => ClientState::Stalled,
        }
    }

    /// Records the current state.
    pub fn set_state(&self, state: ClientState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Returns whether an operator has disconnected the client: its subscription ends.
    pub fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Acquire)
    }

    /// Waits until an operator disconnects the client.
    pub async fn dismissed(&self) {
        loop {
            let woken = self.feed.appended().notified();
            tokio::pin!(woken);
            // A dismissal between the look and the wait must not be missed.
            woken.as_mut().enable();
            if self.is_dismissed() {
                return;
            }
            woken.await;
        }
    }

    /// Ends the subscription of the client.
    pub(super) fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Release);
        self.feed.wake();
    }

    /// Returns `true` if there may be events that the client does not have yet.
    pub fn is_behind(&self) -> bool {
        let ordinal = self.ordinal.load(Ordering::Relaxed);
        ordinal == NOT_LIVE || ordinal < self.feed.end()
    }

    fn reader_key(&self) -> Option<ReaderKey> {
        self.reader.as_ref().map(|name| own::reader(&self.principal, name))
    }

    /// Returns the id that callers see.
    pub fn public_id(&self) -> String {
        public_id(self.id)
    }

    /// Returns the number of events that the client does not have yet. The number is exact while the client reads from
    /// the ring; otherwise it counts everything in the log after the client's position, whether or not it passes the
    /// filter.
    pub fn lag(&self, head: u64) -> u64 {
        match self.ordinal.load(Ordering::Relaxed) {
            NOT_LIVE => head.saturating_sub(self.seq()),
            ordinal => self.feed.end().saturating_sub(ordinal),
        }
    }
}

/// Returns the id with which callers name the client or session `number`.
pub fn public_id(number: u64) -> String {
    format!("cl_{number}")
}

/// Returns the number that an id which callers see stands for.
pub fn number(public_id: &str) -> Option<u64> {
    let digits = public_id.strip_prefix("cl_")?;
    // Only as it is written: `cl_+7` and `cl_07` name nothing.
    digits.parse().ok().filter(|number: &u64| number.to_string() == digits)
}

/// The ordinal of a client that does not read from the ring.
pub(super) const NOT_LIVE: u64 = u64::MAX;

/// The description of a client that subscribes.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// The outlet.
    pub transport: Transport,
    /// The address of the other end.
    pub address: Option<Peer>,
    /// The name that the client claims for itself.
    pub agent: Option<Agent>,
    /// The durable reader that this connection reads for.
    pub reader: Option<ReaderName>,
    /// The number of the session of MCP that subscribes.
    pub session: Option<u64>,
}

/// All connected clients.
#[derive(Debug, Default)]
pub struct Clients {
    /// Guards the table; held for one insertion, removal or copy.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// The live clients by number.
    by_id: HashMap<u64, Arc<Client>>,
    /// The number of connections of each durable reader that has some.
    by_reader: HashMap<ReaderKey, usize>,
    /// The sessions of MCP by number.
    sessions: HashMap<u64, Arc<Session>>,
    last_id: u64,
}

impl Clients {
    /// Adds a client of `by` at the place `after` of a log that ends at `end`; it is not live yet.
    pub fn add(
        &self,
        by: &Principal,
        new: NewClient,
        face: Face,
        feed: Arc<Feed>,
        after: u64,
        end: Position,
    ) -> Arc<Client> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.last_id += 1;
        let client = Arc::new(Client {
            id: table.last_id,
            principal: by.clone(),
            transport: new.transport,
            address: new.address,
            agent: new.agent,
            face,
            feed,
            reader: new.reader,
            session: new.session,
            connected_at: clock::now(),
            began_after: after,
            joined_at: end,
            ordinal: AtomicU64::new(NOT_LIVE),
            epoch: Mutex::new(end.epoch),
            seq: AtomicU64::new(after),
            state: AtomicU8::new(ClientState::Replaying as u8),
            dismissed: AtomicBool::new(false),
        });
        if client.transport.is_live() {
            table.by_id.insert(client.id, Arc::clone(&client));
            if let Some(reader) = client.reader_key() {
                *table.by_reader.entry(reader).or_default() += 1;
            }
        }
        client
    }

    /// Removes a client.
    pub fn remove(&self, id: u64) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(reader) = table.by_id.remove(&id).and_then(|client| client.reader_key()) else { return };
        if let Entry::Occupied(mut count) = table.by_reader.entry(reader) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// Adds a session of `by`.
    pub(super) fn begin_session(
        &self,
        by: &Principal,
        new: NewSession,
        ending: Option<Ending>,
    ) -> Arc<Session> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.last_id += 1;
        let session = Arc::new(Session::begin(table.last_id, by, new, clock::now(), ending));
        table.sessions.insert(session.id, Arc::clone(&session));
        session
    }

    /// Removes a session.
    pub(super) fn remove_session(&self, id: u64) {
        let removed = self.table.lock().unwrap_or_else(PoisonError::into_inner).sessions.remove(&id);
        // Not under the lock: what ends a session can be the last to hold it.
        drop(removed);
    }

    /// Returns all sessions.
    pub(super) fn sessions(&self) -> Vec<Arc<Session>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).sessions.values().cloned().collect()
    }

    /// Returns the number of connections that a durable reader has.
    pub fn connected(&self, reader: &ReaderKey) -> usize {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.by_reader.get(reader).copied().unwrap_or_default()
    }

    /// Returns the durable readers that have a connection.
    pub(super) fn readers(&self) -> Vec<ReaderKey> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).by_reader.keys().cloned().collect()
    }

    /// Returns the number of clients.
    pub fn count(&self) -> usize {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).by_id.len()
    }

    /// Returns all clients, oldest first.
    pub fn list(&self) -> Vec<Arc<Client>> {
        let mut list: Vec<_> =
            self.table.lock().unwrap_or_else(PoisonError::into_inner).by_id.values().cloned().collect();
        list.sort_unstable_by_key(|client| client.id);
        list
    }
}
