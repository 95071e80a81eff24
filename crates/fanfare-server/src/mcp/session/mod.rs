//! A session: what a connection remembers between messages. Legacy clients agree on it with `initialize`; a connection
//! that carries messages both ways has one from the beginning.

pub mod asks;
pub mod calls;
pub mod streams;
pub mod table;
pub mod usage;
pub mod watching;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use fanfare_mcp::lifecycle::Initialize;
use fanfare_mcp::listen::LogLevel;
use fanfare_mcp::{Error, Meta, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::mcp::client::Client;
use crate::mcp::limits::CALLS_MAX;
use crate::mcp::outbox::Outbox;
use crate::mcp::session::asks::Asks;
use crate::mcp::session::calls::Calls;
use crate::mcp::session::streams::Streams;
use crate::mcp::session::usage::Usage;
use crate::mcp::session::watching::WatchList;
use fanfare_runtime::shutdown::{Shutdown, Trigger};

/// Most messages of a session with a stream that are taken and not done with: calls, and answers that wait for a
/// client to read.
const WORK_MAX: usize = 2 * CALLS_MAX;

/// Which events the stream of a session consists of. Sessions of one framing are none for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Seed 5's connections.
    Connection,
    /// HTTP+SSE (2024-11-05).
    HttpSse,
}

/// A session.
#[derive(Debug)]
pub struct Session {
    /// Its name: nobody can guess it.
    pub id: Box<str>,
    /// Who has it; nobody else may use it.
    pub client: Client,
    /// What is said unasked, and, on a connection that carries messages both ways, everything.
    pub outbox: Arc<Outbox>,
    /// What the client asks.
    pub calls: Calls,
    /// What the client is asked.
    pub asks: Asks,
    /// Answers that a client can come back to.
    pub streams: Streams,
    /// What the client wants to hear of.
    pub watching: WatchList,
    usage: Usage,
    /// Guards what was agreed on; held for one look or change.
    agreement: Mutex<Agreement>,
    /// How its stream is framed; nothing when it has none.
    framing: OnceLock<Framing>,
    work: Arc<Semaphore>,
    /// Its client goes to the next gateway when this one stops, with all that was not begun here.
    moves_on: bool,
    ended: (Trigger, Shutdown),
}

/// What the client and the server have agreed on.
#[derive(Debug)]
struct Agreement {
    version: Option<Version>,
    meta: Meta,
    log_level: LogLevel,
}

impl Session {
    /// Begins one.
    pub fn new(id: impl Into<Box<str>>, client: Client, outbox: Outbox) -> Arc<Session> {
        Session::with(id.into(), client, outbox, false)
    }

    /// Begins one whose client goes to the next gateway when this one stops, with all that was not begun here.
    pub fn moving_on(id: impl Into<Box<str>>, client: Client, outbox: Outbox) -> Arc<Session> {
        Session::with(id.into(), client, outbox, true)
    }

    fn with(id: Box<str>, client: Client, outbox: Outbox, moves_on: bool) -> Arc<Session> {
        let agreement = Agreement { version: None, meta: Meta::default(), log_level: LogLevel::Debug };
        Arc::new(Session {
            id,
            client,
            outbox: Arc::new(outbox),
            calls: Calls::default(),
            asks: Asks::default(),
            streams: Streams::default(),
            watching: WatchList::default(),
            usage: Usage::new(),
            agreement: Mutex::new(agreement),
            framing: OnceLock::new(),
            work: Arc::new(Semaphore::new(WORK_MAX)),
            moves_on,
            ended: Trigger::new(),
        })
    }

    /// Agrees on a revision.
    pub fn initialize(&self, wanted: &Initialize) -> Version {
        let version = Version::negotiate(&wanted.protocol_version);
        let mut agreement = self.agreement();
        agreement.version = Some(version);
        agreement.meta.capabilities.clone_from(&wanted.capabilities);
        version
    }

    /// Takes a revision for granted.
    pub fn agree_on(&self, version: Version) {
        self.agreement().version = Some(version);
    }

    /// Returns the revision that was agreed on.
    pub fn version(&self) -> Option<Version> {
        self.agreement().version
    }

    /// Returns whether the client declared `capability` when it began.
    pub fn can(&self, capability: &str) -> bool {
        self.agreement().meta.can(capability)
    }

    /// Returns the level from which on log messages are sent.
    pub fn log_level(&self) -> LogLevel {
        self.agreement().log_level
    }

    /// Chooses the level.
    pub fn set_log_level(&self, level: LogLevel) {
        self.agreement().log_level = level;
    }

    /// Sets how its stream is framed: from now on it has one.
    pub fn frame(&self, framing: Framing) {
        // A second one changes nothing.
        self.framing.get_or_init(|| framing);
    }

    /// Returns how its stream is framed; nothing when it has none.
    pub fn framing(&self) -> Option<Framing> {
        self.framing.get().copied()
    }

    /// Takes room for a message, until it is done with.
    pub fn begin_work(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.work).try_acquire_owned().map_err(|_| {
            Error::busy(format!("{WORK_MAX} messages are not answered yet; read the stream, and try again"))
        })
    }

    /// Ends it: calls are cancelled, streams end.
    pub fn end(&self) {
        self.calls.cancel_all();
        self.asks.clear();
        self.streams.end_all();
        self.outbox.end();
        self.ended.0.pull();
    }

    /// Returns what tells when it has ended.
    pub fn ended(&self) -> Shutdown {
        self.ended.1.clone()
    }

    fn agreement(&self) -> MutexGuard<'_, Agreement> {
        self.agreement.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
