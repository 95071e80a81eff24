//! SQLite, in the file that the operator names.
//!
//! One thread writes (`writer`); up to four connections read, a page at a time (`read`); frequently requested data is
//! kept in memory (`shared`).

mod append;
mod attempts;
mod channels;
mod checksum;
mod columns;
mod damage;
mod deliveries;
mod draft;
mod epochs;
mod failure;
mod files;
mod floor;
mod forget;
mod group;
mod import;
mod ledger;
mod lock;
pub mod maintenance;
mod measures;
mod names;
mod naming;
mod open;
mod open_error;
mod originals;
mod places;
mod presence;
mod problems;
mod purge;
mod read;
mod readers;
mod refused;
mod row;
mod schema;
mod scrub;
mod sources;
mod spared;
mod state;
mod sweep;
mod traces;
mod wal;
mod webhooks;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use fanfare_core::{Arrival, Position, Stamp, Timestamp};
use rusqlite::Connection;
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::task::{JoinError, JoinSet};

use channels::Channels;
use epochs::Epochs;
use fanfare_runtime::bulk;
use fanfare_runtime::telemetry::Metrics;
use fanfare_store::claims::Claims;
use fanfare_store::settlement::Settlement;
use fanfare_store::{ArrivalClock, COMMITTED_LEN_MAX, Clock, Engine, Error, Head, Health, Retention};
use floor::Floor;
pub use import::Imported;
use lock::Lock;
pub use lock::{Owner, owner};
use measures::Files;
use open::WalIndex;
pub use open_error::OpenError;
use presence::Presence;
use refused::Refused;
use state::{Ahead, Lists, Shared, State, Tail, Totals, Volatile};
use wal::Wal;
use writer::{Asker, QUEUE_LEN_MAX, Request, Writer};

/// Maximum concurrent page reads: reading is bound by the processor, and leaves some of that for others.
const READERS_AT_ONCE: usize = 4;

/// A log in a file.
#[derive(Debug)]
pub struct Embedded {
    shared: Arc<Shared>,
    /// The handle to the writer.
    writer: Asker,
    /// Held by a purge: of two that overlapped, each would subtract the channel's events from its count, and each
    /// would return the free pages that the other has taken.
    purging: tokio::sync::Mutex<()>,
    /// Idle reading connections; created when first needed.
    idle: Arc<Mutex<Vec<Connection>>>,
    wal_index: WalIndex,
    /// One permit for each allowed connection.
    readers: Arc<Semaphore>,
    /// Held until the writer has closed the file.
    lock: Arc<Mutex<Option<Lock>>>,
    /// Resolves when the writer has ended.
    ended: tokio::sync::watch::Receiver<()>,
}

impl Embedded {
    /// Opens the log in the file at `path`, and creates the file if it does not exist. Blocks.
    pub fn open(path: &Path, retention: Retention) -> Result<Arc<Embedded>, OpenError> {
        Embedded::open_with_clock(path, retention, Clock::default())
    }

    /// Opens the log; its events are stamped by `clock`.
    pub fn open_with_clock(
        path: &Path,
        retention: Retention,
        clock: Clock,
    ) -> Result<Arc<Embedded>, OpenError> {
        // Absolute, because SQLite treats some names specially, such as `:memory:`.
        let path = &std::path::absolute(path).map_err(|error| failure::io(path, &error))?;
        let (lock, mut conn, wal_index) = open::open(path, clock.now())?;
        let named = |error| failure::opening(path, &error);
        let wal = Wal::watch(&mut conn).map_err(named)?;
        scrub::free_what_was_taken(&conn);
        let channels = Channels::load(&conn).map_err(named)?;
        let epochs = Epochs::load(&conn).map_err(named)?;
        let durable_readers = readers::load(&conn, &epochs).map_err(named)?;
        let sources = sources::load(&conn).map_err(named)?;
        let registry = webhooks::load(&conn, &epochs).map_err(named)?;
        let attempts = attempts::count(&conn).map_err(named)?;
        let seq: i64 =
            conn.query_row("SELECT checksums_from FROM log", (), |row| row.get(0)).map_err(named)?;
        let checked_from = Position { epoch: epochs.current(), seq: seq as u64 };
        let (start, tail) = ends(&conn, checked_from, &channels).map_err(named)?;
        let floor = Floor::load(&conn, retention.floor).map_err(named)?;
        let keys: i64 =
            conn.query_row("SELECT count(*) FROM idempotency_keys", (), |row| row.get(0)).map_err(named)?;

        let traces = traces::count(&conn).map_err(named)?;

        let committed = broadcast::Sender::new(COMMITTED_LEN_MAX);
        let shared = Arc::new(Shared::new(
            path.to_owned(),
            Head {
                epoch: epochs.current(),
                first: start.first,
                oldest: start.oldest,
                spared: floor.extent().events,
                last: tail.seq,
                fork: epochs.fork(),
            },
            epochs,
            checked_from,
            ArrivalClock::start(clock, tail.newest()),
            Lists {
                channels: channels.clone(),
                readers: durable_readers,
                sources,
                webhooks: registry.clone(),
            },
            committed.clone(),
        ));
        let lock = Arc::new(Mutex::new(Some(lock)));
        let (queue, requests) = mpsc::channel(QUEUE_LEN_MAX);
        let state = State {
            shared: shared.clone(),
            conn,
            ahead: Ahead { channels, webhooks: registry },
            volatile: Volatile { claims: Claims::default(), settlement: Settlement::default() },
            totals: Totals { tail, keys: keys as usize, attempts, traces },
            retention,
            floor,
        };
        refuse_if_full(&state);
        let presence = Presence::of(path).map_err(|error| failure::io(path, &error))?;
        let writer = Writer { state, queue: requests, committed, wal, presence, lock: lock.clone() };
        let (end, ended) = tokio::sync::watch::channel(());
        std::thread::Builder::new()
            .name("store writer".to_owned())
            .spawn(move || {
                // Dropped last.
                let _end = end;
                let shared = writer.state.shared.clone();
                if catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
                    shared.fail(Error::Fatal { problem: "the writer panicked".to_owned() });
                    shared.close();
                }
            })
            .map_err(|error| failure::io(path, &error))?;
        Ok(Arc::new(Embedded {
            writer: Asker { shared: shared.clone(), queue },
            shared,
            purging: tokio::sync::Mutex::default(),
            idle: Arc::default(),
            wal_index,
            readers: Arc::new(Semaphore::new(READERS_AT_ONCE)),
            lock,
            ended,
        }))
    }

    /// Reads with a connection of the pool, beside the runtime.
    ///
    /// A task of its own waits for the connection. Connections are given out in order, so a caller that is not polled at
    /// its turn, because its task waits for another read first, would keep one from everybody, and four of them all.
    async fn with_reader<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared, &mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.shared.check_usable()?;
        let (readers, idle) = (self.readers.clone(), self.idle.clone());
        let (shared, index) = (self.shared.clone(), self.wal_index);
        let reading = async move {
            let permit = readers.acquire_owned().await.map_err(|_| Error::Closed)?;
            let read = bulk::spawn(move || {
                let conn = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut conn = conn.map_or_else(|| open::open_reader(&shared.path, index), Ok)?;
                let read = work(&shared, &mut conn);
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
                drop(permit);
                read
            });
            read.await.map_err(|error| ended_early(&error))
        };
        // A caller that is dropped waits no longer.
        let mut one = JoinSet::new();
        one.spawn(reading);
        let read = one
            .join_next()
            .await
            .expect("one was spawned")
            .unwrap_or_else(|error| Err(ended_early(&error)))?;
        read.map_err(|error| failure::named(&self.shared.path, &error))
    }
}

fn ended_early(error: &JoinError) -> Error {
    Error::Other { problem: format!("a read ended early: {error}") }
}

/// Checks whether the disk is full, so that a failed push is not needed to find out.
fn refuse_if_full(state: &State) {
    let State { shared, conn, .. } = state;
    if !refused::may_be_full(&shared.path) {
        return;
    }
    match group::in_transaction(shared, conn, || refused::write_nothing(conn)) {
        Ok(()) => {}
        Err(failure @ Error::Fatal { .. }) => shared.fail(failure),
        Err(error) => {
            tracing::warn!(path = %shared.path.display(), "events are refused until there is room: {error}");
            shared.note_refused(Some(Refused { error, bytes: 0 }));
        }
    }
}

/// Reads the ends of the log.
fn ends(
    conn: &Connection,
    checked_from: Position,
    channels: &Channels,
) -> rusqlite::Result<(places::Start, Tail)> {
    let noted =
        conn.query_row("SELECT last_seq, last_timestamp, last_arrival, bytes FROM log", (), |row| {
            Ok(Tail {
                seq: row.get::<_, i64>(0)? as u64,
                stamp: Stamp {
                    timestamp: Timestamp::from_micros(row.get(1)?),
                    arrival: Arrival::from_micros(row.get(2)?),
                },
                bytes: row.get::<_, i64>(3)? as u64,
            })
        })?;
    let start = places::start(conn)?;
    let newest: Option<i64> = conn.query_row("SELECT max(seq) FROM events", (), |row| row.get(0))?;
    // The end is noted by a close, a sweep, an import and a purge. After the latter two, the last event does not show it.
    let Some(seq) = newest.map(|seq| seq as u64).filter(|seq| *seq > noted.seq) else {
        return Ok((start, noted));
    };
    // If its row cannot be read, that of the nearest event before it.
    let near = (start.first..=seq).rev().take(places::UNREADABLE_MAX as usize);
    let before = places::bytes_before(conn, near)?.unwrap_or(noted.bytes);
    let tail = match read::event_at(conn, checked_from, channels, seq) {
        Ok(Some(last)) => Tail {
            seq,
            stamp: Stamp { timestamp: last.timestamp, arrival: last.arrival },
            bytes: before + last.stored_len() + originals::counted_len(conn, seq)?,
        },
        Err(error) if !failure::is_damage(&error) => return Err(error),
        Ok(None) | Err(_) => {
            tracing::error!(
                "the last event, {}-{seq}, cannot be read, because its row is damaged",
                checked_from.epoch
            );
            Tail { seq, bytes: before, ..noted }
        }
    };
    Ok((start, tail))
}

#[async_trait]
impl Engine for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn commits(&self) -> u64 {
        self.shared.commits()
    }

    fn health(&self) -> Health {
        Health {
            damaged_events: self.shared.damaged(),
            refusal: self.shared.refused().map(|refused| refused.error),
        }
    }

    fn register(&self, metrics: &Metrics) {
        self.shared.times.register(metrics);
        metrics.collect(Files(self.shared.path.clone()));
    }

    fn announce(&self, url: &str) -> Result<(), Error> {
        let owner = Owner { pid: std::process::id(), url: Some(url.to_owned()) };
        match &mut *self.lock.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(lock) => lock.write(&owner).map_err(|error| Error::Other { problem: error.to_string() }),
            None => Err(Error::Closed),
        }
    }

    async fn failed(&self) -> Error {
        self.shared.failed().await
    }

    async fn close(&self) {
        self.shared.close();
        // Running reads end first, so that the writer's connection is the last and cleans up as it closes.
        if let Ok(permits) = self.readers.acquire_many(READERS_AT_ONCE as u32).await {
            permits.forget();
            self.readers.close();
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        // An error means that the writer has ended already.
        let _ = self.writer.queue.send(Request::Close).await;
        let _ = self.ended.clone().changed().await;
    }
}

/// Returns the version of SQLite that is built in, as text and as a number to compare with: 3.51.3 is 3,051,003.
pub fn sqlite_version() -> (&'static str, i32) {
    (rusqlite::version(), rusqlite::version_number())
}
