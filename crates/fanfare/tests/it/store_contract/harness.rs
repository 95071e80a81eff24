//! What the suite runs in: an engine, with a clock that the test turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fanfare_core::{Door, Event, Filter, NewEvent, Pattern, Priority, ReaderName, Source, Timestamp};
use fanfare_store::memory::Memory;
use fanfare_store::{Clock, Follow, Order, Page, Read, Retention, Store};
use fanfare_store_embedded::Embedded;

/// Which engine a test runs with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    Embedded,
    Memory,
}

/// A store with a clock that the test turns.
pub(crate) struct Log {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: TestClock,
    pub(crate) engine: Engine,
    retention: Retention,
    directory: tempfile::TempDir,
}

#[derive(Debug, Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    fn new() -> TestClock {
        TestClock(Arc::new(AtomicI64::new(1_700_000_000_000_000)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn turn(&self, by: Duration) {
        self.0.fetch_add(by.as_micros() as i64, Ordering::SeqCst);
    }

    pub(crate) fn turn_back(&self, by: Duration) {
        self.0.fetch_sub(by.as_micros() as i64, Ordering::SeqCst);
    }

    fn for_store(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }
}

impl Engine {
    pub(crate) fn start(self, retention: Retention) -> Log {
        let clock = TestClock::new();
        let directory = tempfile::tempdir().expect("a directory");
        let store: Arc<dyn Store> = match self {
            Engine::Embedded => {
                let path = directory.path().join("log.db");
                Embedded::open_with_clock(&path, retention, clock.for_store()).expect("a new store")
            }
            Engine::Memory => Memory::with_clock(retention, clock.for_store()),
        };
        Log { store, clock, engine: self, retention, directory }
    }
}

impl Log {
    pub(crate) async fn append(&self, messages: &[&str]) -> Vec<u64> {
        let events = messages.iter().map(|message| event(message)).collect();
        seqs_appended(&self.store.append(events).await.expect("appended"))
    }

    pub(crate) async fn append_to(&self, channel: &str, message: &str) -> u64 {
        let event = NewEvent { channel: channel.parse().expect("channel"), ..event(message) };
        seqs_appended(&self.store.append(vec![event]).await.expect("appended"))[0]
    }

    pub(crate) fn read(&self) -> Read {
        read_all(self.clock.now())
    }

    pub(crate) async fn page(&self, read: Read) -> Page {
        self.store.read(read).await.expect("a page")
    }

    /// Reads page after page until the range is done.
    pub(crate) async fn pages(&self, read: Read) -> Vec<Arc<Event>> {
        read_pages(&*self.store, read).await
    }

    pub(crate) async fn sweep_all(&self) {
        while self.store.sweep().await.expect("swept") {}
    }

    /// Looks into the file of a closed store and counts what nothing leads to: events that no delivery needs, and rows
    /// of webhooks that are not there.
    pub(crate) fn orphans(&self) -> i64 {
        let conn = rusqlite::Connection::open(self.directory.path().join("log.db")).expect("a database");
        let count = "SELECT (SELECT count(*) FROM kept_events WHERE seq NOT IN (SELECT seq FROM deliveries)
                                OR seq IN (SELECT seq FROM events))
            + (SELECT count(*) FROM deliveries WHERE webhook NOT IN (SELECT number FROM webhooks)
                                OR seq NOT IN (SELECT seq FROM events UNION SELECT seq FROM kept_events))
            + (SELECT count(*) FROM attempts WHERE webhook NOT IN (SELECT number FROM webhooks))
            + (SELECT count(*) FROM removed_webhooks)";
        conn.query_row(count, (), |row| row.get(0)).expect("a number")
    }

    /// Closes the store and opens the same file again; memory forgets, so it stays as it is.
    pub(crate) async fn reopen(&mut self) {
        if let Engine::Embedded = self.engine {
            self.store.close().await;
            let path = self.directory.path().join("log.db");
            self.store = Embedded::open_with_clock(&path, self.retention, self.clock.for_store())
                .expect("the same store");
        }
    }
}

pub(crate) async fn read_pages(store: &dyn Store, mut read: Read) -> Vec<Arc<Event>> {
    let mut events = Vec::new();
    let last = read.until.min(store.extent().last);
    loop {
        let page = store.read(read.clone()).await.expect("a page");
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

pub(crate) fn source() -> Source {
    Source { principal: Arc::from("local"), door: Door::Http }
}

pub(crate) fn event(message: &str) -> NewEvent {
    NewEvent::new(message, source()).expect("short")
}

pub(crate) fn keyed(message: &str, key: &str) -> NewEvent {
    NewEvent { idempotency_key: Some(key.parse().expect("key")), ..event(message) }
}

pub(crate) fn read_all(now: Timestamp) -> Read {
    Read { after: 0, until: u64::MAX, filter: Filter::all(), order: Order::Oldest, limit: 1_000, now }
}

pub(crate) fn patterns(patterns: &[&str]) -> Filter {
    let patterns: Vec<Pattern> = patterns.iter().map(|text| text.parse().expect("pattern")).collect();
    Filter::new(patterns, Vec::new(), Priority::Min, None).expect("few")
}

pub(crate) fn seqs_appended(appended: &[fanfare_store::Appended]) -> Vec<u64> {
    appended.iter().map(|appended| appended.event.position.seq).collect()
}

pub(crate) fn seqs(events: &[Arc<Event>]) -> Vec<u64> {
    events.iter().map(|event| event.position.seq).collect()
}

pub(crate) fn messages(events: &[Arc<Event>]) -> Vec<&str> {
    events.iter().map(|event| &*event.message).collect()
}

pub(crate) fn name(name: &str) -> ReaderName {
    name.parse().expect("name")
}

/// Waits for something that must come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("within the deadline")
}

pub(crate) async fn follow_until(follow: &mut Follow, store: &dyn Store, last: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|seq| *seq < last) {
        seen.extend(seqs(&soon(follow.next(store)).await.expect("the next events")));
    }
    seen
}
