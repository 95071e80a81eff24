//! All sessions over HTTP, and the work that goes on when nobody waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fanfare_core::Principal;
use fanfare_mcp::Error;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::mcp::caller::Client;
use crate::mcp::outbox::Outbox;
use crate::mcp::session::Session;
use crate::shutdown::Shutdown;

/// Most sessions at once: each may hold an outbox, which is a few megabytes at the very most and nothing when idle.
pub const SESSIONS_MAX: usize = 10_000;
/// How long a session may be idle. A client that comes back later begins a new one.
const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
/// How often idle sessions are looked for.
const REAP_INTERVAL: Duration = Duration::from_secs(30);
/// How long calls may take that are under way when the gateway stops: longer than a commit.
const LAST_ANSWERS: Duration = Duration::from_millis(300);
/// Most pieces of work that wait to be begun; whoever has one more waits.
const JOBS_WAITING_MAX: usize = 1024;

/// A piece of work that nobody waits for.
pub type Job = BoxFuture<'static, ()>;

/// All sessions; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sessions {
    /// Guards the table; held for one look-up or change.
    table: Arc<Mutex<Table>>,
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug, Default)]
struct Table {
    by_id: HashMap<Box<str>, Arc<Session>>,
    /// The gateway stops: one that began now would never end.
    closed: bool,
}

/// Runs the work of sessions, and ends those that nobody uses.
#[derive(Debug)]
pub struct Worker {
    sessions: Sessions,
    jobs: mpsc::Receiver<Job>,
}

impl Sessions {
    /// Makes the table, and the worker that must run for anything to be done.
    pub fn new() -> (Sessions, Worker) {
        let (jobs, waiting) = mpsc::channel(JOBS_WAITING_MAX);
        let sessions = Sessions { table: Arc::default(), jobs };
        (sessions.clone(), Worker { sessions, jobs: waiting })
    }

    /// Begins a session.
    pub fn begin(&self, client: Client, outbox: Outbox) -> Result<Arc<Session>, Error> {
        let mut table = self.table();
        if table.closed {
            return Err(Error::busy("the gateway is stopping; try again in a moment"));
        }
        if table.by_id.len() >= SESSIONS_MAX {
            return Err(Error::busy(format!(
                "there are {SESSIONS_MAX} sessions already; end one with DELETE, or call without a session"
            )));
        }
        let session = Session::new(draw_id(), client, outbox);
        table.by_id.insert(session.id.clone(), Arc::clone(&session));
        Ok(session)
    }

    /// Finds a session of `principal`. That of somebody else is as good as none.
    pub fn find(&self, id: &str, principal: &Principal) -> Result<Arc<Session>, Error> {
        let session = self.table().by_id.get(id).cloned();
        let session = session.filter(|session| session.client.principal == *principal);
        let session = session.ok_or_else(Error::no_session)?;
        session.touch();
        Ok(session)
    }

    /// Ends a session.
    pub fn end(&self, session: &Session) {
        self.table().by_id.remove(&session.id);
        session.end();
    }

    /// Counts them.
    pub fn count(&self) -> usize {
        self.table().by_id.len()
    }

    /// Has work done that nobody waits for.
    pub async fn run(&self, job: Job) {
        // When the worker has ended, the gateway stops, and nobody needs the work.
        let _ = self.jobs.send(job).await;
    }

    fn reap(&self, now: Instant) {
        let mut idle = Vec::new();
        self.table().by_id.retain(|_, session| {
            let is_idle = session.idle_since().is_some_and(|since| now.duration_since(since) > IDLE_MAX);
            if is_idle {
                idle.push(Arc::clone(session));
            }
            !is_idle
        });
        for session in idle {
            session.end();
        }
    }

    fn end_all(&self) {
        let all: Vec<_> = {
            let mut table = self.table();
            table.closed = true;
            table.by_id.drain().map(|(_, session)| session).collect()
        };
        for session in all {
            session.end();
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// Works until `stop`; then every session ends.
    pub async fn run(mut self, mut stop: Shutdown) {
        let mut running = JoinSet::new();
        let mut reap = tokio::time::interval(REAP_INTERVAL);
        loop {
            tokio::select! {
                Some(job) = self.jobs.recv() => { running.spawn(job); }
                Some(ended) = running.join_next(), if !running.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a call panicked");
                    }
                }
                _ = reap.tick() => self.sessions.reap(Instant::now()),
                () = stop.asked() => break,
            }
        }
        // A push that is being committed is still answered; what waits for something is not waited for.
        let finish = async { while running.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_ANSWERS, finish).await;
        self.sessions.end_all();
        // Nobody is left registered.
        running.shutdown().await;
    }
}

/// Draws an id that nobody can guess: 128 bits.
fn draw_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}
