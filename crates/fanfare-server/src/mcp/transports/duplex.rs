//! The calls of one connection that carries messages both ways: those that run, and those that wait for their turn.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use fanfare_mcp::json_rpc::{self, BadMessage};
use fanfare_mcp::{Cancellation, Id, Incoming, Message};
use futures_util::FutureExt;
use tokio::task::JoinSet;

use crate::mcp::engine::Server;
use crate::mcp::pace::{CALLS_MAX, Pace, WAITS_MAX};
use crate::mcp::session::Session;
use crate::mcp::session::table::Job;
use fanfare_runtime::budget::BytesHeld;

/// Maximum messages that wait for their turn while the maximum of calls runs. Beyond that, reading pauses.
const WAITING_MAX: usize = 256;
/// Maximum bytes of those messages; one more message may come on top.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Maximum concurrent jobs: the maximum of calls of each pace, and as many refusals that wait for the client to read.
/// Beyond that, reading pauses.
const RUNNING_MAX: usize = WAITS_MAX + 2 * CALLS_MAX + WAITING_MAX;
/// Maximum time that reading pauses because calls wait for their turn. After that they are refused: a client that has
/// only calls without an end must be able to cancel one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The calls of one connection.
#[derive(Debug)]
pub struct Calls {
    server: Server,
    session: Arc<Session>,
    running: JoinSet<JobEnd>,
    /// Number of these jobs that are calls, of each pace; the others last as long as the session.
    running_calls: [usize; Pace::COUNT],
    /// Calls that run until something happens.
    waits: HashSet<Id>,
    /// Messages that wait for their turn.
    waiting: VecDeque<Arrival>,
    waiting_bytes: usize,
}

/// A message that was received.
#[derive(Debug)]
struct Arrival {
    incoming: Incoming,
    /// The pace of the slowest call in it; `None` if it asks for nothing.
    pace: Option<Pace>,
    len: usize,
    /// The bytes that it reserves until it is answered.
    in_flight: Option<BytesHeld>,
}

/// A job that has ended.
#[derive(Debug)]
struct JobEnd {
    pace: Option<Pace>,
    wait: Option<Id>,
}

/// What becomes of the calls that wait for something when no more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// They end with an answer: the client still reads.
    Answer,
    /// They are cancelled: the client asks again elsewhere.
    Cancel,
}

impl Calls {
    /// Creates an empty set of calls.
    pub fn new(server: Server, session: Arc<Session>) -> Calls {
        Calls {
            server,
            session,
            running: JoinSet::new(),
            running_calls: [0; Pace::COUNT],
            waits: HashSet::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// Accepts a message; `in_flight` is held until it is answered. Fast work is finished when this returns.
    pub fn take(&mut self, bytes: &[u8], in_flight: Option<BytesHeld>) {
        match json_rpc::parse(bytes) {
            Ok(incoming) => {
                let pace = self.pace(&incoming);
                self.take_message(Arrival { incoming, pace, len: bytes.len(), in_flight });
            }
            Err(refused) => self.refuse(refused),
        }
    }

    /// Answers a message that is refused.
    pub fn refuse(&mut self, refused: BadMessage) {
        if let Some(job) = self.server.receive(&self.session, Err(refused)) {
            self.run(job, Some(Pace::AtOnce), None, None);
        }
    }

    fn take_message(&mut self, taken: Arrival) {
        let is_next = self.waiting.iter().all(|other| other.pace != taken.pace);
        if taken.pace.is_some() && !(is_next && self.can_begin(taken.pace)) {
            self.waiting_bytes += taken.len;
            self.waiting.push_back(taken);
            return;
        }
        if !self.waiting.is_empty() {
            self.forget_cancelled(&taken.incoming);
        }
        self.begin(taken);
    }

    /// Returns the pace of the slowest call in a message.
    fn pace(&self, incoming: &Incoming) -> Option<Pace> {
        match incoming {
            Incoming::One(Message::Request(request)) => Some(self.server.pace(request)),
            Incoming::One(Message::Notification { .. } | Message::Response { .. }) => None,
            Incoming::Batch(messages) => {
                let paces = messages.iter().map(|message| match message {
                    Ok(Message::Request(request)) => self.server.pace(request),
                    Ok(Message::Notification { .. } | Message::Response { .. }) | Err(_) => Pace::AtOnce,
                });
                paces.max()
            }
        }
    }

    /// Returns whether a message may be begun: no call is while answers wait that the client does not read.
    fn can_begin(&self, pace: Option<Pace>) -> bool {
        self.has_turn(pace) && !self.session.outbox.is_full()
    }

    /// Returns whether a message need not wait for others of its pace. Only calls that end by themselves wait for their
    /// turn; one wait too many is refused by the session.
    fn has_turn(&self, pace: Option<Pace>) -> bool {
        match pace {
            Some(pace @ (Pace::AtOnce | Pace::Working)) => self.running_calls[pace as usize] < CALLS_MAX,
            Some(Pace::Waiting) | None => true,
        }
    }

    fn begin(&mut self, Arrival { incoming, pace, in_flight, .. }: Arrival) {
        let wait = match &incoming {
            Incoming::One(Message::Request(request)) if pace == Some(Pace::Waiting) => {
                Some(request.id.clone())
            }
            Incoming::One(_) | Incoming::Batch(_) => None,
        };
        if let Some(job) = self.server.receive(&self.session, Ok(incoming)) {
            self.run(job, pace, wait, in_flight);
        }
    }

    /// Most calls end immediately, and then need no task.
    fn run(&mut self, mut job: Job, pace: Option<Pace>, wait: Option<Id>, in_flight: Option<BytesHeld>) {
        let mut context = Context::from_waker(Waker::noop());
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| job.as_mut().poll(&mut context)));
        match polled {
            Ok(std::task::Poll::Ready(())) => {}
            Ok(std::task::Poll::Pending) => {
                if let Some(pace) = pace {
                    self.running_calls[pace as usize] += 1;
                }
                self.waits.extend(wait.clone());
                self.running.spawn(async move {
                    if AssertUnwindSafe(job).catch_unwind().await.is_err() {
                        tracing::error!("a call panicked");
                    }
                    drop(in_flight);
                    JobEnd { pace, wait }
                });
            }
            Err(_) => tracing::error!("a call panicked"),
        }
    }

    /// Returns whether more can be read.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX
            && self.waiting_bytes < WAITING_BYTES_MAX
            && self.running.len() < RUNNING_MAX
    }

    /// Waits for a job to end, and starts those that waited for it; waits forever if none runs. Cancelling loses
    /// nothing.
    pub async fn progress(&mut self) {
        let has_room = self.has_room();
        let outbox = Arc::clone(&self.session.outbox);
        tokio::select! {
            Some(ended) = self.running.join_next(), if !self.running.is_empty() => {
                self.note(ended);
                while let Some(ended) = self.running.try_join_next() {
                    self.note(ended);
                }
                self.begin_waiting();
            }
            () = outbox.room(), if self.waiting.iter().any(|taken| self.has_turn(taken.pace)) => {
                self.begin_waiting();
            }
            // The session refuses them itself, because it has the maximum.
            () = async { tokio::time::sleep(PATIENCE).await }, if !has_room => self.begin_all(),
            else => std::future::pending().await,
        }
    }

    /// Starts the messages whose turn it is. Those of one pace keep their order, also if the client reads meanwhile.
    fn begin_waiting(&mut self) {
        let mut is_full = false;
        for taken in std::mem::take(&mut self.waiting) {
            is_full = is_full || self.session.outbox.is_full();
            if !is_full && self.has_turn(taken.pace) {
                self.waiting_bytes -= taken.len;
                self.begin(taken);
            } else {
                self.waiting.push_back(taken);
            }
        }
    }

    fn note(&mut self, ended: Result<JobEnd, tokio::task::JoinError>) {
        let Ok(JobEnd { pace, wait }) = ended else { return };
        if let Some(pace) = pace {
            self.running_calls[pace as usize] -= 1;
        }
        if let Some(id) = wait {
            self.waits.remove(&id);
        }
    }

    fn begin_all(&mut self) {
        self.waiting_bytes = 0;
        for taken in std::mem::take(&mut self.waiting) {
            self.begin(taken);
        }
    }

    /// Finishes accepted messages within `limit`; returns whether all are finished.
    pub async fn finish(&mut self, limit: Duration, waits: Waits) -> bool {
        match waits {
            Waits::Answer => self.session.end_input(),
            Waits::Cancel => self.waiting.retain(|taken| match taken.incoming {
                Incoming::One(_) => taken.pace != Some(Pace::Waiting),
                Incoming::Batch(_) => true,
            }),
        }
        let finished = async {
            loop {
                for id in self.waits.iter().filter(|_| waits == Waits::Cancel) {
                    self.session.calls.cancel(id);
                }
                if self.running_calls == [0; Pace::COUNT] && self.waiting.is_empty() {
                    return;
                }
                self.progress().await;
            }
        };
        tokio::time::timeout(limit, finished).await.is_ok()
    }

    /// Drops messages that were not started.
    pub fn forget_waiting(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
    }

    /// Drops a call that is cancelled before its turn.
    fn forget_cancelled(&mut self, incoming: &Incoming) {
        let Some(Cancellation { request_id: cancelled }) = Cancellation::of(incoming) else { return };
        let is_it = |taken: &Arrival| match &taken.incoming {
            Incoming::One(Message::Request(request)) => request.id == cancelled,
            Incoming::One(_) | Incoming::Batch(_) => false,
        };
        if let Some(index) = self.waiting.iter().position(is_it)
            && let Some(taken) = self.waiting.remove(index)
        {
            self.waiting_bytes -= taken.len;
        }
    }
}
