//! A session: the state that a connection keeps between messages. Legacy clients create one with `initialize`; a
//! connection that carries messages both ways has one from the start.

pub mod asks;
pub mod calls;
pub mod streams;
pub mod table;
pub mod usage;
pub mod watching;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use fanfare_core::Agent;
use fanfare_mcp::lifecycle::Initialize;
use fanfare_mcp::listen::LogLevel;
use fanfare_mcp::{Error, Meta, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::mcp::client::Client;
use crate::mcp::outbox::Outbox;
use crate::mcp::pace::{CALLS_MAX, WAITS_MAX};
use crate::mcp::session::asks::Asks;
use crate::mcp::session::calls::Calls;
use crate::mcp::session::streams::Streams;
use crate::mcp::session::usage::Usage;
use crate::mcp::session::watching::WatchList;
use fanfare_hub::session::{Introduction, Presence};
use fanfare_hub::subscribe::denied;
use fanfare_runtime::shutdown::{Shutdown, Trigger};

/// Maximum unfinished messages of a session with a stream: calls, and answers that the client has not read. When every
/// wait and every call that takes time is under way, as many are left for those that end at once.
const WORK_MAX: usize = 2 * (CALLS_MAX + WAITS_MAX);
/// The notification that the client's input has ended, although it still reads: its waits end with an answer. Sent by
/// `fanfare mcp` to the gateway that it is attached to.
pub const INPUT_ENDED: &str = "notifications/fanfare/input_ended";

/// The framing of a session's stream. Sessions of one framing do not exist for the other.
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
    /// The id, which cannot be guessed.
    pub id: Box<str>,
    /// The owner; no other client may use the session.
    pub client: Client,
    /// Unrequested messages and, on a connection that carries messages both ways, all messages.
    pub outbox: Arc<Outbox>,
    /// The calls of the client.
    pub calls: Calls,
    /// The requests to the client.
    pub asks: Asks,
    /// Answers that a client can come back to.
    pub streams: Streams,
    /// The resources that the client watches.
    pub watching: WatchList,
    usage: Usage,
    /// Guards the result of the negotiation; held for one lookup or change.
    agreement: Mutex<Agreement>,
    /// The framing of its stream; unset if it has no stream.
    framing: OnceLock<Framing>,
    work: Arc<Semaphore>,
    /// Whether the client moves to the next gateway when this one stops, with everything that was not started here.
    moves_on: bool,
    ended: (Trigger, Shutdown),
    /// Guards its place in the list of those who are connected; held for one look or change.
    presence: Mutex<Option<Presence>>,
    /// Whether an operator ended it.
    dismissed: AtomicBool,
    /// The signal that the client asks for nothing more and waits for its answers.
    input_ended: (Trigger, Shutdown),
}

/// The result of the negotiation between client and server.
#[derive(Debug)]
struct Agreement {
    version: Option<Version>,
    meta: Meta,
    log_level: LogLevel,
}

impl Session {
    /// Creates a session.
    pub fn new(id: impl Into<Box<str>>, client: Client, outbox: Outbox) -> Arc<Session> {
        Session::with(id.into(), client, outbox, false)
    }

    /// Creates a session whose client moves to the next gateway when this one stops, with everything that was not
    /// started here.
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
            presence: Mutex::default(),
            dismissed: AtomicBool::new(false),
            input_ended: Trigger::new(),
        })
    }

    /// Takes its place in the list of those who are connected.
    pub fn attend(&self, presence: Presence) {
        *self.presence() = Some(presence);
    }

    /// Returns its number in the list of those who are connected.
    pub fn number(&self) -> Option<u64> {
        self.presence().as_ref().map(Presence::id)
    }

    /// Sets the negotiated revision, and records the name of the client. Fails if an operator denies this client.
    pub fn initialize(&self, wanted: &Initialize) -> Result<Version, Error> {
        let version = Version::negotiate(&wanted.protocol_version);
        let mut agreement = self.agreement();
        agreement.version = Some(version);
        agreement.meta.capabilities.clone_from(&wanted.capabilities);
        drop(agreement);
        let claimed = |text: Option<String>| Agent::claimed(&text?);
        let software = wanted.software();
        let introduction = Introduction {
            name: claimed(software.name),
            version: claimed(software.version),
            revision: version.as_str(),
        };
        let introduced = match &*self.presence() {
            Some(presence) => presence.introduce(introduction),
            None => Ok(()),
        };
        introduced.map(|()| version).map_err(|left| {
            self.dismissed.store(true, Ordering::Release);
            Error::invalid_request(denied(left).to_string())
        })
    }

    /// Sets the revision without negotiation.
    pub fn agree_on(&self, version: Version) {
        self.agreement().version = Some(version);
    }

    /// Returns the negotiated revision.
    pub fn version(&self) -> Option<Version> {
        self.agreement().version
    }

    /// Returns whether the client declared `capability` when the session started.
    pub fn can(&self, capability: &str) -> bool {
        self.agreement().meta.can(capability)
    }

    /// Returns the minimum level of log messages to send.
    pub fn log_level(&self) -> LogLevel {
        self.agreement().log_level
    }

    /// Sets the minimum level of log messages.
    pub fn set_log_level(&self, level: LogLevel) {
        self.agreement().log_level = level;
    }

    /// Sets the framing of its stream: from now on it has one.
    pub fn frame(&self, framing: Framing) {
        // A second one changes nothing.
        self.framing.get_or_init(|| framing);
    }

    /// Returns the framing of its stream, or `None` if it has no stream.
    pub fn framing(&self) -> Option<Framing> {
        self.framing.get().copied()
    }

    /// Reserves room for a message until it is finished.
    pub fn begin_work(&self) -> Result<OwnedSemaphorePermit, Error> {
        if self.outbox.is_full() {
            return Err(Error::busy(
                "this session has answers that nobody has read; read the stream and try again",
            ));
        }
        Arc::clone(&self.work).try_acquire_owned().map_err(|_| {
            Error::busy(format!("this session already has the maximum of {WORK_MAX} unanswered messages; read the stream and try again"))
        })
    }

    /// Ends the session: calls are cancelled, streams end.
    pub fn end(&self) {
        let presence = self.presence().take();
        // Not under the lock: the list is told that it is over.
        drop(presence);
        self.calls.cancel_all();
        self.asks.clear();
        self.streams.end_all();
        self.outbox.end();
        self.ended.0.pull();
    }

    /// Ends the session because an operator wants it to.
    pub fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Release);
        self.end();
    }

    /// Returns whether an operator ended the session.
    pub fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Acquire)
    }

    /// Ends the calls that wait for something, each with an answer: the client asks for nothing more.
    pub fn end_input(&self) {
        self.input_ended.0.pull();
    }

    /// Returns the signal that the client asks for nothing more.
    pub fn input_ended(&self) -> Shutdown {
        self.input_ended.1.clone()
    }

    /// Returns the signal that the session has ended.
    pub fn ended(&self) -> Shutdown {
        self.ended.1.clone()
    }

    fn presence(&self) -> MutexGuard<'_, Option<Presence>> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn agreement(&self) -> MutexGuard<'_, Agreement> {
        self.agreement.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
