//! One suite for the contract of `Store`, run for every engine.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fanfare::store::embedded::Embedded;
use fanfare::store::follow::FOLLOW_QUEUE_LEN;
use fanfare::store::memory::Memory;
use fanfare::store::read::{PAGE_BYTES_MAX, PAGE_SCAN_MAX};
use fanfare::store::{
    CHANNELS_MAX, Clock, Error, Extent, Follow, IDEMPOTENCY_WINDOW, Order, Page, READERS_MAX, Read,
    Retention, Store,
};
use fanfare_core::{
    Audience, Door, Event, Filter, Json, NewEvent, Pattern, Position, Priority, ReaderName, Source, Timestamp,
};

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

    fn turn_back(&self, by: Duration) {
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
    async fn append(&self, messages: &[&str]) -> Vec<u64> {
        let events = messages.iter().map(|message| event(message)).collect();
        seqs_appended(&self.store.append(events).await.expect("appended"))
    }

    async fn append_to(&self, channel: &str, message: &str) -> u64 {
        let event = NewEvent { channel: channel.parse().expect("channel"), ..event(message) };
        seqs_appended(&self.store.append(vec![event]).await.expect("appended"))[0]
    }

    fn read(&self) -> Read {
        read_all(self.clock.now())
    }

    async fn page(&self, read: Read) -> Page {
        self.store.read(read).await.expect("a page")
    }

    /// Reads page after page until the range is done.
    async fn pages(&self, read: Read) -> Vec<Arc<Event>> {
        read_pages(&*self.store, read).await
    }

    pub(crate) async fn sweep_all(&self) {
        while self.store.sweep().await.expect("swept") {}
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

fn keyed(message: &str, key: &str) -> NewEvent {
    NewEvent { idempotency_key: Some(key.parse().expect("key")), ..event(message) }
}

pub(crate) fn read_all(now: Timestamp) -> Read {
    Read { after: 0, until: u64::MAX, filter: Filter::all(), order: Order::Oldest, limit: 1_000, now }
}

pub(crate) fn patterns(patterns: &[&str]) -> Filter {
    let patterns: Vec<Pattern> = patterns.iter().map(|text| text.parse().expect("pattern")).collect();
    Filter::new(patterns, Vec::new(), Priority::Min, None).expect("few")
}

fn seqs_appended(appended: &[fanfare::store::Appended]) -> Vec<u64> {
    appended.iter().map(|appended| appended.event.position.seq).collect()
}

pub(crate) fn seqs(events: &[Arc<Event>]) -> Vec<u64> {
    events.iter().map(|event| event.position.seq).collect()
}

fn messages(events: &[Arc<Event>]) -> Vec<&str> {
    events.iter().map(|event| &*event.message).collect()
}

fn name(name: &str) -> ReaderName {
    name.parse().expect("name")
}

/// Waits for something that must come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("within the deadline")
}

async fn follow_until(follow: &mut Follow, store: &dyn Store, last: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|seq| *seq < last) {
        seen.extend(seqs(&soon(follow.next(store)).await.expect("the next events")));
    }
    seen
}

macro_rules! contract {
    ($($name:ident,)+) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Engine::Memory).await; })+
        }
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::Engine::Embedded).await; })+
        }
    };
}

contract! {
    a_batch_stands_in_the_log_in_its_order,
    a_closed_store_says_so,
    a_follower_gets_every_event_once_while_others_append,
    a_follower_of_a_closed_store_ends,
    a_follower_that_lags_beyond_the_queue_gets_every_event_once,
    a_key_counts_for_a_day,
    a_key_whose_event_was_removed_still_counts,
    a_log_that_was_emptied_goes_on_counting,
    a_page_looks_at_a_bounded_number_of_events,
    a_page_of_large_events_ends_early,
    a_reader_keeps_what_it_acknowledged,
    a_repeated_key_appends_nothing,
    a_sparse_channel_is_read_without_looking_at_the_rest,
    a_store_that_is_opened_again_knows_everything,
    an_event_comes_back_as_it_was_pushed,
    an_expired_event_is_left_out,
    channels_are_counted,
    concurrent_appends_neither_interleave_nor_leave_holes,
    filters_choose_events,
    nothing_of_a_refused_append_is_there,
    readers_are_bounded,
    reads_keep_to_their_range,
    retention_by_age_removes_from_the_old_end,
    retention_by_bytes_removes_from_the_old_end,
    retention_by_count_removes_from_the_old_end,
    timestamps_never_go_back,
    what_was_answered_is_seen,
}

async fn a_batch_stands_in_the_log_in_its_order(engine: Engine) {
    let log = engine.start(Retention::default());
    assert_eq!(log.store.extent(), Extent { first: 1, last: 0 });
    assert!(log.page(log.read()).await.events.is_empty());
    assert_eq!(log.store.append(Vec::new()).await.expect("nothing to do").len(), 0);
    assert_eq!(log.append(&["a", "b", "c"]).await, [1, 2, 3]);
    assert_eq!(log.append(&["d"]).await, [4]);
    let page = log.page(log.read()).await;
    assert_eq!(messages(&page.events), ["a", "b", "c", "d"]);
    assert_eq!((page.scanned, page.first), (4, 1));
    assert_eq!(log.store.extent(), Extent { first: 1, last: 4 });
    let epoch = log.store.epoch();
    assert_eq!(page.events[1].position, Position { epoch, seq: 2 });
}

async fn an_event_comes_back_as_it_was_pushed(engine: Engine) {
    let mut log = engine.start(Retention::default());
    let mut pushed = Vec::new();
    for (index, door) in Door::ALL.into_iter().enumerate() {
        pushed.push(NewEvent {
            channel: format!("a.b-{index}").parse().expect("channel"),
            event_type: ["info", "warning", "error", "success", "build.failed"][index].parse().expect("type"),
            data: Some(Json::parse("{\"x\": 1.50, \"ä\": [null, \"\\u0000\"]}".to_owned()).expect("JSON")),
            priority: Priority::ALL[index],
            key: Some("k-ä".parse().expect("key")),
            source: Source { principal: Arc::from(format!("agent {index}")), door },
            audience: if index == 0 { Audience::Stream } else { Audience::All },
            expires_in: Some(Duration::from_secs(index as u64 + 1)),
            ..event("two\nlines, \u{0}, 🎺")
        });
    }
    pushed.push(event(""));
    let appended = log.store.append(pushed.clone()).await.expect("appended");
    log.reopen().await;
    let page = log.page(log.read()).await;
    assert_eq!(page.events.len(), pushed.len());
    for ((read, appended), pushed) in page.events.iter().zip(&appended).zip(pushed) {
        assert_eq!(read, &appended.event);
        assert_eq!(**read, pushed.into_event(read.position, log.clock.now()));
    }
}

async fn concurrent_appends_neither_interleave_nor_leave_holes(engine: Engine) {
    const TASKS: usize = 8;
    const ROUNDS: usize = 30;
    let log = engine.start(Retention::default());
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let store = log.store.clone();
        tasks.spawn(async move {
            let mut last = 0;
            for round in 0..ROUNDS {
                let batch =
                    (0..1 + round % 7).map(|index| event(&format!("{task} {round} {index}"))).collect();
                let seqs = seqs_appended(&store.append(batch).await.expect("appended"));
                assert!(seqs[0] > last, "one after the other");
                assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "nobody came between");
                last = seqs[seqs.len() - 1];
            }
        });
    }
    soon(tasks.join_all()).await;
    let events = log.pages(log.read()).await;
    assert_eq!(seqs(&events), (1..=events.len() as u64).collect::<Vec<_>>());
    let distinct: HashSet<_> = events.iter().map(|event| event.message.clone()).collect();
    let expected: usize = TASKS * (0..ROUNDS).map(|round| 1 + round % 7).sum::<usize>();
    assert_eq!((events.len(), distinct.len()), (expected, expected));
}

async fn what_was_answered_is_seen(engine: Engine) {
    let log = engine.start(Retention::default());
    for round in 1..=200 {
        let seq = log.append_to(&format!("c.{round}"), "x").await;
        assert_eq!(log.store.extent().last, seq);
        let filter = patterns(&[&format!("c.{round}")]);
        let page = log.page(Read { after: seq - 1, filter, ..log.read() }).await;
        assert_eq!(seqs(&page.events), [seq]);
    }
}

async fn a_repeated_key_appends_nothing(engine: Engine) {
    let log = engine.start(Retention::default());
    let batch = vec![keyed("a", "k1"), event("b"), keyed("c", "k1"), keyed("d", "k2")];
    let appended = log.store.append(batch).await.expect("appended");
    assert_eq!(seqs_appended(&appended), [1, 2, 1, 3]);
    assert_eq!(appended.iter().map(|one| one.repeated).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(&*appended[2].event.message, "a");

    let again = log.store.append(vec![keyed("e", "k2"), event("f")]).await.expect("appended");
    assert_eq!(seqs_appended(&again), [3, 4]);
    assert_eq!((again[0].repeated, &*again[0].event.message), (true, "d"));
    assert_eq!(messages(&log.pages(log.read()).await), ["a", "b", "d", "f"]);

    // All at once: one of them is the first, whichever it is.
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..20 {
        let store = log.store.clone();
        tasks.spawn(
            async move { store.append(vec![keyed(&format!("{task}"), "k3")]).await.expect("appended") },
        );
    }
    let answers: Vec<_> = soon(tasks.join_all()).await.into_iter().flatten().collect();
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
    assert!(answers.iter().all(|answer| answer.event.position.seq == 5));
}

async fn a_key_counts_for_a_day(engine: Engine) {
    let log = engine.start(Retention::default());
    log.store.append(vec![keyed("a", "k"), keyed("x", "other")]).await.expect("appended");
    log.clock.turn(IDEMPOTENCY_WINDOW - Duration::from_micros(1));
    log.sweep_all().await;
    assert!(log.store.append(vec![keyed("b", "k")]).await.expect("appended")[0].repeated);
    log.clock.turn(Duration::from_micros(1));
    let appended = log.store.append(vec![keyed("c", "k")]).await.expect("appended");
    assert_eq!((appended[0].repeated, appended[0].event.position.seq), (false, 3));
    // The new one counts from now on, also when the old ones are swept.
    log.sweep_all().await;
    assert!(log.store.append(vec![keyed("d", "k")]).await.expect("appended")[0].repeated);
    assert!(!log.store.append(vec![keyed("y", "other")]).await.expect("appended")[0].repeated);
}

async fn a_key_whose_event_was_removed_still_counts(engine: Engine) {
    let log = engine.start(Retention { count: 2, ..Retention::default() });
    let first = log.store.append(vec![keyed("a", "k")]).await.expect("appended")[0].event.clone();
    log.clock.turn(Duration::from_secs(5));
    log.append(&["b", "c", "d"]).await;
    log.sweep_all().await;
    let again = log.store.append(vec![keyed("a", "k")]).await.expect("appended");
    assert!(again[0].repeated);
    assert_eq!(again[0].event, first);
    assert_eq!(log.store.extent().last, 4);
}

async fn nothing_of_a_refused_append_is_there(engine: Engine) {
    let log = engine.start(Retention::default());
    let on = |index: usize| NewEvent { channel: format!("c{index}").parse().expect("channel"), ..event("x") };
    log.store.append((0..CHANNELS_MAX - 1).map(on).collect()).await.expect("as many as may be, but one");
    let refused = log.store.append(vec![on(0), keyed("x", "k"), on(CHANNELS_MAX + 1)]).await;
    assert!(matches!(refused, Err(Error::TooManyChannels { max: CHANNELS_MAX })), "{refused:?}");
    assert_eq!(log.store.extent().last, CHANNELS_MAX as u64 - 1);
    assert_eq!(log.store.channels().await.expect("channels").len(), CHANNELS_MAX - 1);

    // Its key was not used up, and the last place is still free.
    assert!(!log.store.append(vec![keyed("x", "k")]).await.expect("appended")[0].repeated);
    assert!(matches!(log.store.append(vec![on(CHANNELS_MAX + 1)]).await, Err(Error::TooManyChannels { .. })));
    assert_eq!(log.append(&["known"]).await, [CHANNELS_MAX as u64 + 1]);
    assert_eq!(log.store.channels().await.expect("channels").len(), CHANNELS_MAX);
}

async fn reads_keep_to_their_range(engine: Engine) {
    let log = engine.start(Retention::default());
    for _ in 0..30 {
        log.append(&["x"; 10]).await;
    }
    let page = log.page(Read { after: 10, until: 20, ..log.read() }).await;
    assert_eq!((seqs(&page.events), page.scanned), ((11..=20).collect(), 20));
    let page = log.page(Read { after: 10, until: 20, order: Order::Newest, ..log.read() }).await;
    assert_eq!((seqs(&page.events), page.scanned), ((11..=20).rev().collect(), 11));
    let page = log.page(Read { after: 10, limit: 3, ..log.read() }).await;
    assert_eq!((seqs(&page.events), page.scanned), (vec![11, 12, 13], 13));
    let page = log.page(Read { after: 10, limit: 3, order: Order::Newest, ..log.read() }).await;
    assert_eq!((seqs(&page.events), page.scanned), (vec![300, 299, 298], 298));
    let page = log.page(Read { limit: 0, ..log.read() }).await;
    assert_eq!(seqs(&page.events), [1], "a page has room for one at least");
    for (after, until) in [(300, u64::MAX), (20, 20), (20, 10), (u64::MAX, u64::MAX)] {
        let page = log.page(Read { after, until, ..log.read() }).await;
        assert_eq!((page.events.len(), page.scanned), (0, after), "{after} {until}");
        let page = log.page(Read { after, until, order: Order::Newest, ..log.read() }).await;
        assert_eq!((page.events.len(), page.scanned), (0, after.saturating_add(1)), "{after} {until}");
    }
    for order in [Order::Oldest, Order::Newest] {
        let mut all = seqs(&log.pages(Read { limit: 7, order, ..log.read() }).await);
        all.sort_unstable();
        assert_eq!(all, (1..=300).collect::<Vec<_>>(), "{order:?}");
    }
}

async fn filters_choose_events(engine: Engine) {
    let log = engine.start(Retention::default());
    for (channel, event_type, priority, message) in [
        ("builds.web", "info", "default", "Started"),
        ("builds.web", "error", "high", "Failed: out of disk"),
        ("builds.api", "success", "low", "finished"),
        ("deploys.api.eu", "info", "max", "FINISHED"),
        ("other", "build.failed", "min", "x"),
    ] {
        let event = NewEvent {
            channel: channel.parse().expect("channel"),
            event_type: event_type.parse().expect("type"),
            priority: priority.parse().expect("priority"),
            ..event(message)
        };
        log.store.append(vec![event]).await.expect("appended");
    }
    let filter = |patterns: &[&str], types: &[&str], priority, text| {
        let patterns = patterns.iter().map(|text| text.parse().expect("pattern")).collect();
        let types = types.iter().map(|text| text.parse().expect("type")).collect();
        Filter::new(patterns, types, priority, text).expect("few")
    };
    for (filter, expected) in [
        (filter(&["builds.web"], &[], Priority::Min, None), vec![1, 2]),
        (filter(&["builds.web", "other"], &[], Priority::Min, None), vec![1, 2, 5]),
        (filter(&["builds.*"], &[], Priority::Min, None), vec![1, 2, 3]),
        (filter(&["deploys.>", "other"], &[], Priority::Min, None), vec![4, 5]),
        (filter(&["*.api.>", "nobody"], &[], Priority::Min, None), vec![4]),
        (filter(&["nobody"], &[], Priority::Min, None), vec![]),
        (filter(&["nobody.*"], &[], Priority::Min, None), vec![]),
        (filter(&[], &["error", "build.failed"], Priority::Min, None), vec![2, 5]),
        (filter(&[], &[], Priority::Default, None), vec![1, 2, 4]),
        (filter(&[], &[], Priority::Low, Some("finISHed")), vec![3, 4]),
        (filter(&["builds.>"], &["info", "success"], Priority::Low, Some("s")), vec![1, 3]),
    ] {
        let page = log.page(Read { filter: filter.clone(), ..log.read() }).await;
        assert_eq!((seqs(&page.events), page.scanned), (expected.clone(), 5), "{filter:?}");
        let read = Read { filter: filter.clone(), order: Order::Newest, limit: 1, ..log.read() };
        let newest: Vec<_> = expected.into_iter().rev().collect();
        assert_eq!(seqs(&log.pages(read).await), newest, "{filter:?}");
    }
}

async fn an_expired_event_is_left_out(engine: Engine) {
    let log = engine.start(Retention::default());
    let short = NewEvent { expires_in: Some(Duration::from_secs(10)), ..event("short") };
    log.store.append(vec![event("a"), short, event("b")]).await.expect("appended");
    let expires = log.clock.now().after(Duration::from_secs(10));
    let before = Timestamp::from_micros(expires.as_micros() - 1);
    assert_eq!(messages(&log.page(Read { now: before, ..log.read() }).await.events), ["a", "short", "b"]);
    let page = log.page(Read { now: expires, ..log.read() }).await;
    assert_eq!((messages(&page.events), page.scanned), (vec!["a", "b"], 3));
}

async fn a_page_of_large_events_ends_early(engine: Engine) {
    let log = engine.start(Retention::default());
    let large = "x".repeat(250 * 1024);
    log.append(&[large.as_str(); 9]).await;
    for order in [Order::Oldest, Order::Newest] {
        let page = log.page(Read { order, ..log.read() }).await;
        let bytes: u64 = page.events.iter().map(|event| event.stored_len()).sum();
        assert!(bytes <= PAGE_BYTES_MAX && page.events.len() == 4, "{order:?} {bytes}");
        assert_eq!(page.scanned, page.events[3].position.seq);
        assert_eq!(log.pages(Read { order, ..log.read() }).await.len(), 9);
    }
}

async fn a_page_looks_at_a_bounded_number_of_events(engine: Engine) {
    let log = engine.start(Retention::default());
    for _ in 0..3 {
        log.store.append((0..10_000).map(|_| event("hay")).collect()).await.expect("appended");
    }
    log.append(&["needle"]).await;
    let needle = Filter::new(Vec::new(), Vec::new(), Priority::Min, Some("needle")).expect("few");
    let page = log.page(Read { filter: needle.clone(), ..log.read() }).await;
    assert_eq!((page.events.len(), page.scanned), (0, PAGE_SCAN_MAX));
    assert_eq!(messages(&log.pages(Read { filter: needle.clone(), ..log.read() }).await), ["needle"]);
    let page = log.page(Read { filter: needle, order: Order::Newest, ..log.read() }).await;
    assert_eq!((page.events.len(), page.scanned), (1, 30_002 - PAGE_SCAN_MAX));

    // A follower passes over a long run of events that expired.
    let short = |_| NewEvent { expires_in: Some(Duration::ZERO), ..event("gone") };
    let start = log.store.extent().last;
    let mut follow = log.store.follow(start);
    for _ in 0..FOLLOW_QUEUE_LEN + 10 {
        log.store.append((0..100).map(short).collect()).await.expect("appended");
    }
    let last = log.append(&["end"]).await[0];
    assert_eq!(follow_until(&mut follow, &*log.store, last).await.last(), Some(&last));
    let mut late = log.store.follow(start);
    assert_eq!(follow_until(&mut late, &*log.store, last).await, [last]);
}

async fn a_sparse_channel_is_read_without_looking_at_the_rest(engine: Engine) {
    let log = engine.start(Retention::default());
    let mut expected = Vec::new();
    for _ in 0..5 {
        log.store.append((0..9_000).map(|_| event("hay")).collect()).await.expect("appended");
        expected.push(log.append_to("rare.one", "needle").await);
        expected.push(log.append_to("rare.two", "needle").await);
    }
    // All of 45,000 events are within one page, which looks at 20,000 at most.
    for filter in [patterns(&["rare.one", "rare.two"]), patterns(&["rare.*"])] {
        let page = log.page(Read { filter: filter.clone(), ..log.read() }).await;
        assert_eq!((seqs(&page.events), page.scanned), (expected.clone(), 45_010));
        let page = log.page(Read { filter, order: Order::Newest, limit: 3, ..log.read() }).await;
        assert_eq!(seqs(&page.events), expected.iter().rev().take(3).copied().collect::<Vec<_>>());
    }
}

async fn retention_by_count_removes_from_the_old_end(engine: Engine) {
    let log = engine.start(Retention { count: 100, ..Retention::default() });
    for index in 0..500 {
        log.append_to(if index % 100 == 0 { "rare" } else { "often" }, "x").await;
    }
    log.sweep_all().await;
    assert_eq!(log.store.extent(), Extent { first: 401, last: 500 });
    let page = log.page(log.read()).await;
    assert_eq!((seqs(&page.events), page.first), ((401..=500).collect(), 401));
    let page = log.page(Read { filter: patterns(&["rare"]), ..log.read() }).await;
    assert_eq!(seqs(&page.events), [401]);
    let page = log.page(Read { order: Order::Newest, ..log.read() }).await;
    assert_eq!((page.events.len(), page.scanned), (100, 1));
    let page = log.page(Read { until: 300, ..log.read() }).await;
    assert_eq!((page.events.len(), page.scanned, page.first), (0, 300, 401));
}

async fn retention_by_bytes_removes_from_the_old_end(engine: Engine) {
    let one = event("0123456789").into_event(
        Position { epoch: fanfare_core::Epoch::from_random(1), seq: 1 },
        Timestamp::from_micros(0),
    );
    let log = engine.start(Retention { bytes: one.stored_len() * 10, ..Retention::default() });
    for _ in 0..25 {
        log.append(&["0123456789"]).await;
    }
    log.sweep_all().await;
    assert_eq!(log.store.extent(), Extent { first: 16, last: 25 });
    // One that is larger by a byte leaves no room for two of the others.
    log.append(&["0123456789+"]).await;
    log.sweep_all().await;
    assert_eq!(log.store.extent(), Extent { first: 18, last: 26 });
}

async fn retention_by_age_removes_from_the_old_end(engine: Engine) {
    let hour = Duration::from_secs(60 * 60);
    let log = engine.start(Retention { age: hour, ..Retention::default() });
    log.append(&["a", "b"]).await;
    log.clock.turn(hour / 2);
    log.append(&["c"]).await;
    log.clock.turn(hour / 2);
    log.sweep_all().await;
    assert_eq!(log.store.extent().first, 1, "exactly an hour old is not too old");
    log.clock.turn(Duration::from_micros(1));
    log.sweep_all().await;
    assert_eq!(log.store.extent(), Extent { first: 3, last: 3 });
    assert_eq!(messages(&log.page(log.read()).await.events), ["c"]);

    // More than one sweep may remove.
    log.store.append((0..5_000).map(|_| event("x")).collect()).await.expect("appended");
    log.clock.turn(hour * 2);
    assert!(log.store.sweep().await.expect("swept"), "there is more to remove");
    assert!(log.store.extent().first < 5_003);
    log.sweep_all().await;
    assert_eq!(log.store.extent(), Extent { first: 5_004, last: 5_003 });
}

async fn a_log_that_was_emptied_goes_on_counting(engine: Engine) {
    let mut log = engine.start(Retention { age: Duration::from_secs(60), ..Retention::default() });
    log.append(&["a", "b"]).await;
    log.clock.turn(Duration::from_secs(61));
    log.sweep_all().await;
    let empty = Extent { first: 3, last: 2 };
    assert_eq!(log.store.extent(), empty);
    log.reopen().await;
    assert_eq!(log.store.extent(), empty);
    let page = log.page(log.read()).await;
    assert_eq!((page.events.len(), page.first, page.scanned), (0, 3, 2));
    assert_eq!(log.store.seq_before(log.clock.now()).await.expect("seq"), 2);
    assert_eq!(log.append(&["c"]).await, [3]);
    assert_eq!(log.store.channels().await.expect("channels")[0].events, 3);
}

async fn a_follower_gets_every_event_once_while_others_append(engine: Engine) {
    const TASKS: u64 = 4;
    const ROUNDS: u64 = 50;
    let log = engine.start(Retention::default());
    log.append(&["before"; 10]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let store = log.store.clone();
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let batch = (0..1 + round % 3).map(|_| event("x")).collect();
                store.append(batch).await.expect("appended");
            }
        });
    }
    let last = 10 + TASKS * (0..ROUNDS).map(|round| 1 + round % 3).sum::<u64>();
    // One has followed from the start, one begins somewhere in between, whatever that is.
    let mut early = log.store.follow(0);
    let begin = log.store.extent().last;
    let mut late = log.store.follow(begin);
    assert_eq!(follow_until(&mut early, &*log.store, last).await, (1..=last).collect::<Vec<_>>());
    assert_eq!(follow_until(&mut late, &*log.store, last).await, (begin + 1..=last).collect::<Vec<_>>());
    soon(tasks.join_all()).await;
}

async fn a_follower_that_lags_beyond_the_queue_gets_every_event_once(engine: Engine) {
    let log = engine.start(Retention::default());
    let mut follow = log.store.follow(0);
    let last = FOLLOW_QUEUE_LEN as u64 * 2 + 100;
    for _ in 0..last {
        log.append(&["x"]).await;
    }
    assert_eq!(follow_until(&mut follow, &*log.store, last).await, (1..=last).collect::<Vec<_>>());
    let next = log.append(&["x"]).await[0];
    assert_eq!(follow_until(&mut follow, &*log.store, next).await, [next]);
}

async fn a_follower_of_a_closed_store_ends(engine: Engine) {
    let log = engine.start(Retention::default());
    let mut follow = log.store.follow(0);
    let store = log.store.clone();
    let waiting = tokio::spawn(async move { follow.next(&*store).await });
    log.store.close().await;
    assert!(matches!(soon(waiting).await.expect("no panic"), Err(Error::Closed)));
    let mut follow = log.store.follow(0);
    assert!(matches!(soon(follow.next(&*log.store)).await, Err(Error::Closed)));
}

async fn a_reader_keeps_what_it_acknowledged(engine: Engine) {
    let mut log = engine.start(Retention::default());
    log.append(&["x"; 20]).await;
    let ann = name("ann");
    assert_eq!(log.store.acknowledge(&ann, 3).await.expect("asked"), None);
    let narrow = patterns(&["a.*"]);
    let opened = log.store.open_reader(&ann, &narrow, 5).await.expect("opened");
    assert_eq!((opened.acknowledged, &opened.filter), (5, &narrow));
    assert_eq!(opened.updated, log.clock.now());

    log.clock.turn(Duration::from_secs(1));
    let row = log.store.acknowledge(&ann, 9).await.expect("asked").expect("known");
    assert_eq!((row.acknowledged, row.updated), (9, log.clock.now()));
    log.clock.turn(Duration::from_secs(1));
    let same = log.store.acknowledge(&ann, 7).await.expect("asked").expect("known");
    assert_eq!(same, row, "a smaller seq changes nothing");
    let row = log.store.acknowledge(&ann, 1_000).await.expect("asked").expect("known");
    assert_eq!(row.acknowledged, 20, "what is not there yet cannot have been received");

    log.store.open_reader(&name("bob"), &Filter::all(), 1_000).await.expect("opened");
    let again = log.store.open_reader(&ann, &Filter::all(), 2).await.expect("opened");
    assert_eq!((again.acknowledged, &again.filter), (20, &Filter::all()), "start is for new readers");
    log.reopen().await;
    let readers = log.store.readers().await.expect("readers");
    assert_eq!(readers.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["ann", "bob"]);
    assert_eq!(readers[0], again);
    assert_eq!(readers[1].acknowledged, 20);
    assert!(log.store.remove_reader(&ann).await.expect("asked"));
    assert!(!log.store.remove_reader(&ann).await.expect("asked"));
    log.reopen().await;
    assert_eq!(log.store.readers().await.expect("readers").len(), 1);
}

async fn readers_are_bounded(engine: Engine) {
    let log = engine.start(Retention::default());
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..READERS_MAX {
        let store = log.store.clone();
        tasks.spawn(async move { store.open_reader(&name(&format!("r{index}")), &Filter::all(), 0).await });
    }
    assert!(soon(tasks.join_all()).await.iter().all(Result::is_ok));
    let refused = log.store.open_reader(&name("late"), &Filter::all(), 0).await;
    assert!(matches!(refused, Err(Error::TooManyReaders { max: READERS_MAX })), "{refused:?}");
    log.store.open_reader(&name("r7"), &Filter::all(), 0).await.expect("it is known");
    assert!(log.store.remove_reader(&name("r7")).await.expect("asked"));
    log.store.open_reader(&name("late"), &Filter::all(), 0).await.expect("there is room again");
}

async fn channels_are_counted(engine: Engine) {
    let mut log = engine.start(Retention { count: 2, ..Retention::default() });
    for channel in ["b", "a.x", "b", "a.x", "a.y"] {
        log.append_to(channel, "x").await;
        log.clock.turn(Duration::from_secs(1));
    }
    log.sweep_all().await;
    log.reopen().await;
    let rows = log.store.channels().await.expect("channels");
    let seen: Vec<_> = rows.iter().map(|row| (row.channel.as_str(), row.events, row.last_seq)).collect();
    assert_eq!(seen, [("a.x", 2, 4), ("a.y", 1, 5), ("b", 2, 3)]);
    assert_eq!(rows[1].last_timestamp, log.clock.now().before(Duration::from_secs(1)));
}

async fn timestamps_never_go_back(engine: Engine) {
    let mut log = engine.start(Retention::default());
    let second = Duration::from_secs(1);
    let start = log.clock.now();
    assert_eq!(log.store.seq_before(start).await.expect("seq"), 0);
    log.append(&["a", "b"]).await;
    log.clock.turn(second * 10);
    log.append(&["c"]).await;
    log.clock.turn_back(second * 9);
    log.append(&["d"]).await;
    log.reopen().await;
    log.append(&["e"]).await;
    let events = log.page(log.read()).await.events;
    let seconds: Vec<_> =
        events.iter().map(|event| (event.timestamp.as_micros() - start.as_micros()) / 1_000_000).collect();
    assert_eq!(seconds, [0, 0, 10, 10, 10]);
    for (moment, expected) in [(0, 0), (1, 2), (10, 2), (11, 5)] {
        let seq = log.store.seq_before(start.after(second * moment)).await.expect("seq");
        assert_eq!(seq, expected, "{moment} s");
    }
    assert_eq!(log.store.seq_before(Timestamp::from_micros(0)).await.expect("seq"), 0);
}

async fn a_closed_store_says_so(engine: Engine) {
    let log = engine.start(Retention::default());
    let store = log.store.clone();
    let pending = tokio::spawn(async move { store.append(vec![event("x")]).await });
    log.store.close().await;
    // It came before or after: if before, it is as durable as any other.
    match soon(pending).await.expect("no panic") {
        Ok(appended) => assert_eq!(appended[0].event.position.seq, 1),
        Err(error) => assert!(matches!(error, Error::Closed), "{error}"),
    }
    assert!(matches!(log.store.append(vec![event("x")]).await, Err(Error::Closed)));
    assert!(matches!(log.store.read(log.read()).await, Err(Error::Closed)));
    assert!(matches!(log.store.seq_before(log.clock.now()).await, Err(Error::Closed)));
    assert!(matches!(log.store.channels().await, Err(Error::Closed)));
    assert!(matches!(log.store.readers().await, Err(Error::Closed)));
    assert!(matches!(log.store.open_reader(&name("a"), &Filter::all(), 0).await, Err(Error::Closed)));
    assert!(matches!(log.store.acknowledge(&name("a"), 1).await, Err(Error::Closed)));
    assert!(matches!(log.store.remove_reader(&name("a")).await, Err(Error::Closed)));
    assert!(matches!(log.store.sweep().await, Err(Error::Closed)));
    soon(log.store.close()).await;
}

async fn a_store_that_is_opened_again_knows_everything(engine: Engine) {
    let mut log = engine.start(Retention::default());
    let epoch = log.store.epoch();
    log.store.append(vec![keyed("a", "k"), event("b")]).await.expect("appended");
    log.reopen().await;
    assert_eq!(log.store.epoch(), epoch);
    assert_eq!(log.store.extent(), Extent { first: 1, last: 2 });
    assert!(log.store.append(vec![keyed("c", "k")]).await.expect("appended")[0].repeated);
    assert_eq!(log.append(&["d"]).await, [3]);
    assert_eq!(messages(&log.page(log.read()).await.events), ["a", "b", "d"]);
}
