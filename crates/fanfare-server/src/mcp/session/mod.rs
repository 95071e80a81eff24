//! A session: what a connection remembers between messages. Legacy clients agree on it with `initialize`; a connection
//! that carries messages both ways has one from the beginning.

pub mod table;
pub mod watching;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use fanfare_mcp::lifecycle::Initialize;
use fanfare_mcp::listen::LogLevel;
use fanfare_mcp::{Error, Id, Meta, Version};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::mcp::client::Client;
use crate::mcp::limits::CALLS_MAX;
use crate::mcp::outbox::Outbox;
use crate::mcp::session::watching::Watching;
use fanfare_runtime::shutdown::{Shutdown, Trigger};

/// Most messages of a session with a stream that are taken and not done with: calls, and answers that wait for a
/// client to read.
const WORK_MAX: usize = 2 * CALLS_MAX;
/// Most questions to the client at once.
const ASKS_MAX: usize = 64;
/// How many answers are kept for a client that lost its connection when they were sent.
const ENDED_STREAMS_MAX: usize = 8;
/// How many bytes of them; the newest is kept whatever its length.
const ENDED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What an answer of the client is.
type Answer = Result<Box<RawValue>, Error>;

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
    /// Guards what changes; held for one look or change.
    state: Mutex<State>,
    /// How its stream is framed; nothing when it has none.
    framing: OnceLock<Framing>,
    work: Arc<Semaphore>,
    /// What the client wants to hear of.
    pub watching: Watching,
    /// Its client goes to the next gateway when this one stops, with all that was not begun here.
    moves_on: bool,
    ended: (Trigger, Shutdown),
}

#[derive(Debug)]
struct State {
    version: Option<Version>,
    meta: Meta,
    log_level: LogLevel,
    last_used: Instant,
    calls: HashMap<Id, Trigger>,
    asks: HashMap<Id, oneshot::Sender<Answer>>,
    last_ask: u64,
    /// Answers over Streamable HTTP, the oldest first.
    streams: VecDeque<(u64, Arc<Outbox>)>,
    last_stream: u64,
    /// Connections that read what is said unasked.
    connections: usize,
}

/// A connection that reads for a session, which is in use as long as there is one.
#[derive(Debug)]
pub struct Connected(Arc<Session>);

impl Drop for Connected {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.connections -= 1;
        state.last_used = Instant::now();
    }
}

/// A call that is being answered. It is over when this is dropped: also when nobody waits for the answer any more.
#[derive(Debug)]
pub struct Answering {
    session: Arc<Session>,
    id: Id,
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.session.state();
        state.calls.remove(&self.id);
        state.last_used = Instant::now();
    }
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
        let state = State {
            version: None,
            meta: Meta::default(),
            log_level: LogLevel::Debug,
            last_used: Instant::now(),
            calls: HashMap::new(),
            asks: HashMap::new(),
            last_ask: 0,
            streams: VecDeque::new(),
            last_stream: 0,
            connections: 0,
        };
        Arc::new(Session {
            id,
            client,
            outbox: Arc::new(outbox),
            state: Mutex::new(state),
            framing: OnceLock::new(),
            work: Arc::new(Semaphore::new(WORK_MAX)),
            watching: Watching::default(),
            moves_on,
            ended: Trigger::new(),
        })
    }

    /// Agrees on a revision.
    pub fn initialize(&self, wanted: &Initialize) -> Version {
        let version = Version::negotiate(&wanted.protocol_version);
        let mut state = self.state();
        state.version = Some(version);
        state.meta.capabilities.clone_from(&wanted.capabilities);
        version
    }

    /// Gives it a stream of its own.
    pub fn frame(&self, framing: Framing) {
        // A second one changes nothing.
        self.framing.get_or_init(|| framing);
    }

    /// Gives how its stream is framed; nothing when it has none.
    pub fn framing(&self) -> Option<Framing> {
        self.framing.get().copied()
    }

    /// Takes room for a message, until it is done with.
    pub fn begin_work(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.work).try_acquire_owned().map_err(|_| {
            Error::busy(format!("{WORK_MAX} messages are not answered yet; read the stream, and try again"))
        })
    }

    /// Takes a revision for granted.
    pub fn agree_on(&self, version: Version) {
        self.state().version = Some(version);
    }

    /// Gives the revision that was agreed on.
    pub fn version(&self) -> Option<Version> {
        self.state().version
    }

    /// Says whether the client declared `capability` when it began.
    pub fn can(&self, capability: &str) -> bool {
        self.state().meta.can(capability)
    }

    /// Gives the level from which on log messages are sent.
    pub fn log_level(&self) -> LogLevel {
        self.state().log_level
    }

    /// Chooses the level.
    pub fn set_log_level(&self, level: LogLevel) {
        self.state().log_level = level;
    }

    /// Notes that it is in use.
    pub fn touch(&self) {
        self.state().last_used = Instant::now();
    }

    /// Gives when it was last used; nothing while it has something to do.
    pub fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.calls.is_empty() && state.connections == 0).then_some(state.last_used)
    }

    /// Notes a connection that reads for it.
    pub fn connected(self: &Arc<Session>) -> Connected {
        self.state().connections += 1;
        Connected(Arc::clone(self))
    }

    /// Notes a call, so that the client can cancel it; gives what tells when it does.
    pub fn begin_call(self: &Arc<Session>, id: &Id) -> Result<(Shutdown, Answering), Error> {
        let (cancel, cancelled) = Trigger::new();
        let mut state = self.state();
        state.last_used = Instant::now();
        if state.calls.len() >= CALLS_MAX {
            return Err(Error::busy(format!(
                "{CALLS_MAX} calls of this session are not answered yet; wait for some of them"
            )));
        }
        if state.calls.contains_key(id) {
            return Err(Error::invalid_request(format!(
                "the id {id} is in use by a call that is not answered yet"
            )));
        }
        state.calls.insert(id.clone(), cancel);
        Ok((cancelled, Answering { session: Arc::clone(self), id: id.clone() }))
    }

    /// Cancels a call; one that is answered already is let be.
    pub fn cancel_call(&self, id: &Id) {
        if let Some(cancel) = self.state().calls.get(id) {
            cancel.pull();
        }
    }

    /// Leaves a call unanswered that the gateway, which stops, has not begun; says whether the client asks the next one.
    pub fn leave_call(&self, id: &Id) -> bool {
        if self.moves_on {
            self.cancel_call(id);
        }
        self.moves_on
    }

    /// Begins a question to the client.
    pub fn begin_ask(&self) -> Result<(Id, oneshot::Receiver<Answer>), Error> {
        let mut state = self.state();
        if state.asks.len() >= ASKS_MAX {
            return Err(Error::busy(format!("the client has {ASKS_MAX} questions to answer already")));
        }
        state.last_ask += 1;
        let id = Id::number(state.last_ask);
        let (sender, receiver) = oneshot::channel();
        state.asks.insert(id.clone(), sender);
        Ok((id, receiver))
    }

    /// Forgets a question.
    pub fn end_ask(&self, id: &Id) {
        self.state().asks.remove(id);
    }

    /// Takes an answer of the client; one that nobody asked for is let be.
    pub fn answered(&self, id: &Id, outcome: Result<Box<RawValue>, Box<RawValue>>) {
        let Some(ask) = self.state().asks.remove(id) else { return };
        let answer = outcome.map_err(|error| Error::internal(format!("the client answered {}", error.get())));
        // Whoever asked may have given up.
        let _ = ask.send(answer);
    }

    /// Opens the stream of an answer, and gives its number.
    pub fn open_stream(&self) -> (u64, Arc<Outbox>) {
        let outbox = Arc::new(Outbox::resumable());
        let mut state = self.state();
        state.last_stream += 1;
        let number = state.last_stream;
        state.streams.push_back((number, Arc::clone(&outbox)));
        (number, outbox)
    }

    /// Forgets the oldest of the streams that have ended, of which only so much is kept. Whoever reads one of them reads on.
    pub fn forget_ended(&self) {
        let (mut count, mut bytes) = (0, 0);
        let mut state = self.state();
        let mut kept = VecDeque::with_capacity(state.streams.len());
        while let Some((number, stream)) = state.streams.pop_back() {
            if stream.is_ended() {
                count += 1;
                bytes += stream.bytes();
                if count > ENDED_STREAMS_MAX || (count > 1 && bytes > ENDED_BYTES_MAX) {
                    continue;
                }
            }
            kept.push_front((number, stream));
        }
        state.streams = kept;
    }

    /// Finds a stream that a client comes back to.
    pub fn stream(&self, number: u64) -> Option<Arc<Outbox>> {
        let state = self.state();
        state.streams.iter().find(|(known, _)| *known == number).map(|(_, outbox)| Arc::clone(outbox))
    }

    /// Forgets a stream of which the client has everything.
    pub fn close_stream(&self, number: u64) {
        self.state().streams.retain(|(known, _)| *known != number);
    }

    /// Ends it: calls are cancelled, streams end.
    pub fn end(&self) {
        let mut state = self.state();
        for cancel in state.calls.values() {
            cancel.pull();
        }
        state.asks.clear();
        for (_, stream) in state.streams.drain(..) {
            stream.end();
        }
        drop(state);
        self.outbox.end();
        self.ended.0.pull();
    }

    /// Says when it has ended.
    pub fn ended(&self) -> Shutdown {
        self.ended.1.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_core::Principal;
    use fanfare_mcp::Id;
    use futures_util::FutureExt;

    use super::{ENDED_BYTES_MAX, ENDED_STREAMS_MAX, Session};
    use crate::mcp::client::Client;
    use crate::mcp::outbox::Outbox;
    use crate::mcp::toolset::Toolset;

    fn session() -> Arc<Session> {
        let client = Client {
            principal: Principal::local(),
            address: None,
            is_local: true,
            toolset: Toolset::default(),
        };
        Session::new("", client, Outbox::new())
    }

    #[test]
    fn a_call_that_nobody_waits_for_any_more_is_over() {
        let session = session();
        let (_, answering) = session.begin_call(&Id::number(1)).unwrap();
        assert!(session.begin_call(&Id::number(1)).is_err(), "the id is in use");
        assert_eq!(session.idle_since(), None);
        drop(answering);
        assert!(session.idle_since().is_some());
        assert!(session.begin_call(&Id::number(1)).is_ok());
    }

    #[test]
    fn of_answers_that_nobody_fetches_the_newest_are_kept() {
        for (len, kept) in [(10, ENDED_STREAMS_MAX), (ENDED_BYTES_MAX / 4, 4), (2 * ENDED_BYTES_MAX, 1)] {
            let session = session();
            let (first, _running) = session.open_stream();
            let ended: Vec<u64> = (0..20)
                .map(|_| {
                    let (number, outbox) = session.open_stream();
                    let sent = outbox.finish(vec![b' '; len]).now_or_never();
                    assert_eq!(sent, Some(Ok(())));
                    session.forget_ended();
                    number
                })
                .collect();
            let there: Vec<bool> = ended.iter().map(|number| session.stream(*number).is_some()).collect();
            let expected: Vec<bool> = (0..20).map(|index| index >= 20 - kept).collect();
            assert_eq!(there, expected, "{len}");
            assert!(session.stream(first).is_some(), "it has not ended");
        }
    }
}
