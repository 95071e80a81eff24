//! All sessions over HTTP, and their background work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fanfare_core::Principal;
use fanfare_mcp::Error;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::mcp::client::Client;
use crate::mcp::outbox::Outbox;
use crate::mcp::session::Session;
use crate::net::locality::Locality;
use fanfare_runtime::shutdown::Shutdown;

/// Maximum number of sessions: each can hold an outbox, a few megabytes at most and nothing when idle.
pub const SESSIONS_MAX: usize = 10_000;
/// Maximum idle time of a session. A client that returns later starts a new one.
const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
/// Idle time after which a session makes room for a new one if the maximum is reached. Otherwise programs that start a
/// session for each call and end none would lock everyone out for [`IDLE_MAX`].
const SPARE_AFTER: Duration = Duration::from_secs(60);
/// Idle time after which a session makes room that was begun and never used: longer than a client needs for its second
/// message, and so short that a program that only begins sessions locks nobody out.
const SPARE_UNUSED_AFTER: Duration = Duration::from_secs(5);
/// Sessions that make room at once: all must be examined to find those idle the longest.
const SPARED_MAX: usize = 100;
/// Minimum interval between searches for idle sessions after one that found none.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Interval between searches for idle sessions.
const REAP_INTERVAL: Duration = Duration::from_secs(30);
/// Maximum time for calls that are running when the gateway stops: longer than a commit.
const LAST_ANSWERS: Duration = Duration::from_millis(300);
/// Maximum jobs waiting to be started; a caller with another one waits.
const JOBS_WAITING_MAX: usize = 1024;

/// A background job.
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
    /// Whether the gateway is stopping: a session that started now would never end.
    closed: bool,
    /// The time of the last search that found no session to remove.
    looked: Option<Instant>,
}

/// Runs the jobs of sessions, and ends sessions that are idle.
#[derive(Debug)]
pub struct Worker {
    sessions: Sessions,
    jobs: mpsc::Receiver<Job>,
}

impl Sessions {
    /// Creates the table, and the worker, without which no job runs.
    pub fn new() -> (Sessions, Worker) {
        let (jobs, waiting) = mpsc::channel(JOBS_WAITING_MAX);
        let sessions = Sessions { table: Arc::default(), jobs };
        (sessions.clone(), Worker { sessions, jobs: waiting })
    }

    /// Creates a session.
    pub fn begin(&self, client: Client, outbox: Outbox) -> Result<Arc<Session>, Error> {
        self.begin_at(client, outbox, Instant::now())
    }

    fn begin_at(&self, client: Client, outbox: Outbox, now: Instant) -> Result<Arc<Session>, Error> {
        let mut table = self.table();
        if table.closed {
            return Err(Error::busy("the gateway is stopping; try again in a moment"));
        }
        let spared = table.make_room(now);
        if table.by_id.len() >= SESSIONS_MAX {
            return Err(Error::busy(format!(
                "the maximum of {SESSIONS_MAX} sessions already exists; end one with DELETE, or call without a session"
            )));
        }
        let session = Session::new(draw_id(), client, outbox);
        table.by_id.insert(session.id.clone(), Arc::clone(&session));
        drop(table);
        for session in spared {
            session.end();
        }
        Ok(session)
    }

    /// Finds a session of `principal`. A session of another principal counts as missing. So does a session of
    /// this machine for a message that may come from elsewhere, because calls can have the rights of the client
    /// that opened the session.
    pub fn find(&self, id: &str, principal: &Principal, locality: Locality) -> Result<Arc<Session>, Error> {
        let session = self.table().by_id.get(id).cloned();
        let session = session
            .filter(|session| session.client.principal == *principal && session.client.locality >= locality);
        let session = session.ok_or_else(Error::no_session)?;
        session.touch();
        Ok(session)
    }

    /// Ends a session.
    pub fn end(&self, session: &Session) {
        self.table().by_id.remove(&session.id);
        session.end();
    }

    /// Ends a session because an operator wants it to.
    pub fn dismiss(&self, session: &Session) {
        self.table().by_id.remove(&session.id);
        session.dismiss();
    }

    /// Returns the number of sessions.
    pub fn count(&self) -> usize {
        self.table().by_id.len()
    }

    /// Runs a job in the background.
    pub async fn run(&self, job: Job) {
        // The worker has ended only if the gateway is stopping, and then the job is not needed.
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

impl Table {
    /// Removes sessions to end, if the maximum is reached.
    fn make_room(&mut self, now: Instant) -> Vec<Arc<Session>> {
        let is_too_soon = self.looked.is_some_and(|looked| now < looked + LOOK_INTERVAL);
        if self.by_id.len() < SESSIONS_MAX || is_too_soon {
            return Vec::new();
        }
        let idle = |session: &Arc<Session>| {
            let since = session.idle_since()?;
            let spare_after = if session.is_used() { SPARE_AFTER } else { SPARE_UNUSED_AFTER };
            (now.saturating_duration_since(since) > spare_after).then(|| (since, Arc::clone(session)))
        };
        let mut spared: Vec<_> = self.by_id.values().filter_map(idle).collect();
        // Those that nobody has used come first.
        spared.sort_unstable_by_key(|(since, session)| (session.is_used(), *since));
        spared.truncate(SPARED_MAX);
        self.looked = spared.is_empty().then_some(now);
        for (_, session) in &spared {
            self.by_id.remove(&session.id);
        }
        spared.into_iter().map(|(_, session)| session).collect()
    }
}

impl Worker {
    /// Runs until `stop`; then every session ends.
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
        // A push that is being committed is still answered; calls that wait for events are not waited for.
        let finish = async { while running.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_ANSWERS, finish).await;
        self.sessions.end_all();
        // No session is left in the table.
        running.shutdown().await;
    }
}

/// Returns a random id of 128 bits, which cannot be guessed.
fn draw_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use fanfare_core::Principal;

    use super::{LOOK_INTERVAL, SESSIONS_MAX, SPARE_AFTER, SPARE_UNUSED_AFTER, SPARED_MAX, Sessions};
    use crate::mcp::client::Client;
    use crate::mcp::outbox::Outbox;
    use crate::mcp::toolset::Toolset;
    use crate::net::locality::Locality;
    use fanfare_runtime::budget::Budget;

    #[test]
    fn the_sessions_that_are_idle_the_longest_make_room_and_no_others() {
        let (sessions, _worker) = Sessions::new();
        let begin = |now| {
            let toolset = Toolset::default();
            let client = Client {
                principal: Principal::local(),
                address: None,
                agent: None,
                locality: Locality::Here,
                toolset,
            };
            let outbox = Outbox::new(Budget::default().account(&client.caller()));
            sessions.begin_at(client, outbox, now)
        };
        let start = Instant::now();
        let first = begin(start).expect("the first");
        let reading = begin(start).expect("one that is read");
        let connection = reading.connect();
        let rest: Vec<_> = (2..SESSIONS_MAX).map(|_| begin(start).expect("room")).collect();
        assert_eq!(begin(Instant::now()).expect_err("no room").code, fanfare_mcp::error::BUSY);
        // The next search is delayed; by then all sessions have been idle long enough except the one that is read.
        let soon = Instant::now() + LOOK_INTERVAL / 2;
        assert!(begin(soon).is_err());
        first.touch();
        let later = Instant::now() + SPARE_AFTER + Duration::from_millis(1);
        let newest = begin(later).expect("room");
        assert_eq!(sessions.count(), SESSIONS_MAX - SPARED_MAX + 1);
        let principal = Principal::local();
        for (session, is_there) in [
            (&first, true),
            (&reading, true),
            (&newest, true),
            (&rest[0], false),
            (&rest[SPARED_MAX - 1], false),
            (&rest[SPARED_MAX], true),
        ] {
            assert_eq!(sessions.find(&session.id, &principal, Locality::Here).is_ok(), is_there);
        }
        assert!(rest[0].outbox.is_ended() && !first.outbox.is_ended());
        drop(connection);
    }

    #[test]
    fn sessions_that_were_begun_and_never_used_make_room_first_and_soon() {
        let (sessions, _worker) = Sessions::new();
        let begin = |now| {
            let toolset = Toolset::default();
            let client = Client {
                principal: Principal::local(),
                address: None,
                agent: None,
                locality: Locality::Here,
                toolset,
            };
            let outbox = Outbox::new(Budget::default().account(&client.caller()));
            sessions.begin_at(client, outbox, now)
        };
        let used = begin(Instant::now()).expect("the first");
        used.touch();
        let unused = begin(Instant::now()).expect("the second");
        let _rest: Vec<_> = (2..SESSIONS_MAX).map(|_| begin(Instant::now()).expect("room")).collect();
        let soon = Instant::now() + SPARE_UNUSED_AFTER + Duration::from_millis(1);
        begin(soon).expect("room");
        let principal = Principal::local();
        assert!(sessions.find(&used.id, &principal, Locality::Here).is_ok());
        assert!(sessions.find(&unused.id, &principal, Locality::Here).is_err());
    }
}
