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
use crate::mcp::limits::CALLS_MAX;
use crate::mcp::session::Session;
use crate::mcp::session::table::Job;
use fanfare_runtime::budget::BytesHeld;

/// Maximum messages that wait for their turn while the maximum of calls runs. Beyond that, reading pauses.
const WAITING_MAX: usize = 256;
/// Maximum bytes of those messages; one more message may come on top.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Maximum concurrent jobs: the maximum of calls, and as many refusals that wait for the client to read. Beyond that,
/// reading pauses.
const RUNNING_MAX: usize = CALLS_MAX + WAITING_MAX;
/// Maximum time that reading pauses because calls wait for their turn. After that they are refused: a client that has
/// only calls without an end must be able to cancel one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The calls of one connection.
#[derive(Debug)]
pub struct Calls {
    server: Server,
    session: Arc<Session>,
    running: JoinSet<JobEnd>,
    /// Number of these jobs that are calls; the others last as long as the session.
    running_calls: usize,
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
    len: usize,
    /// The bytes that it reserves until it is answered.
    in_flight: Option<BytesHeld>,
}

/// A job that has ended.
#[derive(Debug)]
struct JobEnd {
    is_call: bool,
    wait: Option<Id>,
}

impl Calls {
    /// Creates an empty set of calls.
    pub fn new(server: Server, session: Arc<Session>) -> Calls {
        Calls {
            server,
            session,
            running: JoinSet::new(),
            running_calls: 0,
            waits: HashSet::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// Accepts a message; `in_flight` is held until it is answered. Fast work is finished when this returns.
    pub fn take(&mut self, bytes: &[u8], in_flight: Option<BytesHeld>) {
        match json_rpc::parse(bytes) {
            Ok(incoming) => self.take_message(Arrival { incoming, len: bytes.len(), in_flight }),
            Err(refused) => self.refuse(refused),
        }
    }

    /// Answers a message that is refused.
    pub fn refuse(&mut self, refused: BadMessage) {
        if let Some(job) = self.server.receive(&self.session, Err(refused)) {
            self.run(job, true, None, None);
        }
    }

    fn take_message(&mut self, taken: Arrival) {
        let asks = matches!(taken.incoming, Incoming::One(Message::Request(_)) | Incoming::Batch(_));
        if asks && !(self.can_begin() && self.waiting.is_empty()) {
            self.waiting_bytes += taken.len;
            self.waiting.push_back(taken);
            return;
        }
        if !self.waiting.is_empty() {
            self.forget_cancelled(&taken.incoming);
        }
        self.begin(taken);
    }

    /// Returns whether a call may start: not while answers wait that the client does not read.
    fn can_begin(&self) -> bool {
        self.running_calls < CALLS_MAX && !self.session.outbox.is_full()
    }

    fn begin(&mut self, Arrival { incoming, in_flight, .. }: Arrival) {
        let (is_call, wait) = match &incoming {
            Incoming::One(Message::Request(request)) => {
                (true, self.server.waits(request).then(|| request.id.clone()))
            }
            Incoming::One(Message::Notification { .. } | Message::Response { .. }) => (false, None),
            Incoming::Batch(_) => (true, None),
        };
        if let Some(job) = self.server.receive(&self.session, Ok(incoming)) {
            self.run(job, is_call, wait, in_flight);
        }
    }

    /// Most calls end immediately, and then need no task.
    fn run(&mut self, mut job: Job, is_call: bool, wait: Option<Id>, in_flight: Option<BytesHeld>) {
        let mut context = Context::from_waker(Waker::noop());
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| job.as_mut().poll(&mut context)));
        match polled {
            Ok(std::task::Poll::Ready(())) => {}
            Ok(std::task::Poll::Pending) => {
                self.running_calls += usize::from(is_call);
                self.waits.extend(wait.clone());
                self.running.spawn(async move {
                    if AssertUnwindSafe(job).catch_unwind().await.is_err() {
                        tracing::error!("a call panicked");
                    }
                    drop(in_flight);
                    JobEnd { is_call, wait }
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
            () = outbox.room(), if self.running_calls < CALLS_MAX && !self.waiting.is_empty() => {
                self.begin_waiting();
            }
            // The session refuses them itself, because it has the maximum.
            () = async { tokio::time::sleep(PATIENCE).await }, if !has_room => self.begin_all(),
            else => std::future::pending().await,
        }
    }

    fn begin_waiting(&mut self) {
        while self.can_begin()
            && let Some(taken) = self.waiting.pop_front()
        {
            self.waiting_bytes -= taken.len;
            self.begin(taken);
        }
    }

    fn note(&mut self, ended: Result<JobEnd, tokio::task::JoinError>) {
        let Ok(JobEnd { is_call, wait }) = ended else { return };
        self.running_calls -= usize::from(is_call);
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

    /// Finishes accepted messages within `limit`; returns whether all are finished. Calls that wait for events are
    /// cancelled: their caller is gone, or asks again elsewhere.
    pub async fn finish(&mut self, limit: Duration) -> bool {
        let server = &self.server;
        self.waiting.retain(|taken| match &taken.incoming {
            Incoming::One(Message::Request(request)) => !server.waits(request),
            Incoming::One(_) | Incoming::Batch(_) => true,
        });
        let finished = async {
            loop {
                for id in &self.waits {
                    self.session.calls.cancel(id);
                }
                if self.running_calls == 0 && self.waiting.is_empty() {
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
