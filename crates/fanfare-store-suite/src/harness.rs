//! The environment of the suite: an engine, with a clock that the test turns.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fanfare_core::{
    Door, Event, Filter, NewEvent, Pattern, Position, Principal, Priority, Source, Timestamp,
};
use fanfare_store::{Append, Clock, Order, Page, Read, ReaderKey, Retention, Store};

/// A way to open an engine for the suite.
pub trait Setup: Send + Sync + fmt::Debug + 'static {
    /// Opens the store in `directory`, and creates it if there is none.
    fn open(&self, directory: &Path, retention: Retention, clock: Clock) -> Store;

    /// Returns whether a closed store has its content again when it is reopened.
    fn survives(&self) -> bool;

    /// Returns whether calls that wait at the same time share a commit.
    fn shares_commits(&self) -> bool;

    /// Counts the orphans of a closed store: events that no delivery needs, and rows of webhooks that do not exist.
    fn orphans(&self, directory: &Path) -> u64;

    /// Starts a store in a directory of its own.
    fn start(self, retention: Retention) -> Log
    where
        Self: Sized,
    {
        let (clock, directory) = (TestClock::new(), tempfile::tempdir().expect("a directory"));
        let store = self.open(directory.path(), retention, clock.for_store());
        Log { store, clock, setup: Box::new(self), retention, directory }
    }
}

/// A store with a clock that the test turns.
#[derive(Debug)]
pub struct Log {
    pub store: Store,
    pub clock: TestClock,
    pub setup: Box<dyn Setup>,
    retention: Retention,
    directory: tempfile::TempDir,
}

/// A clock that the test turns and sets.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Times>);

/// What a clock shows, in microseconds.
#[derive(Debug)]
struct Times {
    /// The time of day.
    wall: AtomicI64,
    /// The time that nobody can set.
    steady: AtomicI64,
}

impl TestClock {
    fn new() -> TestClock {
        let wall = AtomicI64::new(1_700_000_000_000_000);
        TestClock(Arc::new(Times { wall, steady: AtomicI64::new(0) }))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.wall.load(Ordering::SeqCst))
    }

    /// Lets time pass.
    pub fn turn(&self, by: Duration) {
        self.0.steady.fetch_add(by.as_micros() as i64, Ordering::SeqCst);
        self.set_ahead(by);
    }

    /// Sets the time of day ahead, although no time has passed.
    pub fn set_ahead(&self, by: Duration) {
        self.0.wall.fetch_add(by.as_micros() as i64, Ordering::SeqCst);
    }

    /// Sets the time of day back.
    pub fn set_back(&self, by: Duration) {
        self.0.wall.fetch_sub(by.as_micros() as i64, Ordering::SeqCst);
    }

    fn for_store(&self) -> Clock {
        let (wall, steady) = (self.clone(), self.clone());
        Clock::new(
            move || wall.now(),
            move || Duration::from_micros(steady.0.steady.load(Ordering::SeqCst).unsigned_abs()),
        )
    }
}

impl Log {
    pub async fn append(&self, messages: &[&str]) -> Vec<u64> {
        let events = messages.iter().map(|message| event(message)).collect();
        seqs_appended(&self.store.log.append(Append::new(events)).await.expect("appended"))
    }

    pub async fn append_to(&self, channel: &str, message: &str) -> u64 {
        let event = NewEvent { channel: channel.parse().expect("channel"), ..event(message) };
        seqs_appended(&self.store.log.append(Append::new(vec![event])).await.expect("appended"))[0]
    }

    /// Returns the position with `seq`.
    pub fn at(&self, seq: u64) -> Position {
        at(&self.store, seq)
    }

    pub fn read(&self) -> Read {
        read_all(&self.store)
    }

    pub async fn page(&self, read: Read) -> Page {
        self.store.log.read(read).await.expect("a page")
    }

    /// Reads page after page until the range is done.
    pub async fn pages(&self, read: Read) -> Vec<Arc<Event>> {
        read_pages(&self.store, read).await
    }

    pub async fn sweep_all(&self) {
        while self.store.sweep().await.expect("swept").has_more {}
    }

    /// Counts the orphans, once the store is closed.
    pub fn orphans(&self) -> u64 {
        self.setup.orphans(self.directory.path())
    }

    /// Closes the store and reopens it, if it survives that.
    pub async fn reopen(&mut self) {
        self.reopen_after(|_| ()).await;
    }

    /// Closes the store and reopens it with other limits of retention, if it survives that.
    pub async fn reopen_with(&mut self, retention: Retention) {
        self.retention = retention;
        self.reopen().await;
    }

    /// Closes the store and reopens it, if it survives that, and calls `work` with the directory in between.
    pub async fn reopen_after(&mut self, work: impl FnOnce(&Path)) {
        if self.setup.survives() {
            self.store.engine.close().await;
            work(self.directory.path());
            self.store = self.setup.open(self.directory.path(), self.retention, self.clock.for_store());
        }
    }
}

/// Returns the position with `seq` in the log of `store`.
pub fn at(store: &Store, seq: u64) -> Position {
    Position { seq, ..store.head().position() }
}

/// Returns the extent of the events that are kept.
pub fn extent(store: &Store) -> (u64, u64) {
    let head = store.head();
    (head.first, head.last)
}

pub async fn read_pages(store: &Store, mut read: Read) -> Vec<Arc<Event>> {
    let mut events = Vec::new();
    let last = read.until.min(store.head().last);
    loop {
        let page = store.log.read(read.clone()).await.expect("a page");
        events.extend(page.events);
        match read.order {
            Order::Newest if page.scanned <= read.after + 1 => return events,
            Order::Newest => {
                assert!(page.scanned <= read.until, "a page makes progress");
                read.until = page.scanned - 1;
            }
            Order::Oldest if page.scanned >= last => return events,
            Order::Oldest => {
                assert!(page.scanned > read.after, "a page makes progress");
                read.after = page.scanned;
            }
        }
    }
}

/// Returns the channels, with the number of their events.
pub async fn channels(log: &Log) -> Vec<(String, u64)> {
    let rows = log.store.log.channels().await.expect("channels");
    rows.into_iter().map(|row| (row.channel.to_string(), row.events)).collect()
}

pub fn source() -> Source {
    Source { principal: Arc::from("local"), door: Door::Http, agent: None }
}

pub fn event(message: &str) -> NewEvent {
    NewEvent::new(message, source()).expect("short")
}

pub fn keyed(message: &str, key: &str) -> NewEvent {
    NewEvent { idempotency_key: Some(key.parse().expect("key")), ..event(message) }
}

pub fn read_all(store: &Store) -> Read {
    let (epoch, order) = (store.head().epoch, Order::Oldest);
    Read { epoch, after: 0, until: u64::MAX, filter: Filter::all(), order, limit: 1_000, told: 0 }
}

pub fn patterns(patterns: &[&str]) -> Filter {
    let patterns: Vec<Pattern> = patterns.iter().map(|text| text.parse().expect("pattern")).collect();
    Filter::new(patterns, Vec::new(), Priority::Min, None).expect("few")
}

pub fn seqs_appended(appended: &[fanfare_store::Appended]) -> Vec<u64> {
    appended.iter().map(|appended| appended.event.position.seq).collect()
}

pub fn seqs(events: &[Arc<Event>]) -> Vec<u64> {
    events.iter().map(|event| event.position.seq).collect()
}

pub fn messages(events: &[Arc<Event>]) -> Vec<&str> {
    events.iter().map(|event| &*event.message).collect()
}

/// Names a durable reader of `local`.
pub fn reader(name: &str) -> ReaderKey {
    ReaderKey { owner: Principal::local().owner(), name: name.parse().expect("a name") }
}

/// Waits for something that must come.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("within the deadline")
}
