//! Random operations on events, after which the engines must agree.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Arrival, Epoch, Event, Filter, NewEvent, Position, Principal, Priority, Source};
use fanfare_store::{
    Append, Appended, Error, Order, Purge, Read, ReaderKey, ReaderRow, Retention, STANDS_FOR, Store,
};

use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof};
use proptest::test_runner::TestRunner;

use crate::harness::{Setup, at, event, extent, patterns, read_all, read_pages, source};
use crate::memory::InMemory;

const CHANNELS: [&str; 5] = ["a", "a.b", "a.c", "d.e.f", "g"];
const PRINCIPALS: [&str; 2] = [Principal::LOCAL, "zoe"];

#[derive(Debug, Clone)]
enum Operation {
    Acknowledge { reader: u8, seq: u64 },
    Append(Vec<Push>),
    Forget,
    OpenReader { reader: u8, start: u64 },
    PurgeChannel(usize),
    PurgeEvent(u64),
    PutReader { reader: u8, filter: usize, position: Option<u64> },
    Read { after: u64, until: u64, filter: usize, order: Order, limit: usize, goes_on: bool },
    RemoveReader { reader: u8 },
    Reopen,
    SeqBefore { seconds: u64 },
    Turn { seconds: u64 },
}

/// Of so many pushes with a key, one has content of its own.
const CONFLICTS_EACH: usize = 10;

#[derive(Debug, Clone)]
struct Push {
    channel: usize,
    key: Option<u8>,
    len: usize,
    expires_in: Option<u64>,
    priority: usize,
}

impl Push {
    fn event(&self) -> NewEvent {
        let key = self.key.unwrap_or_default();
        let principal = PRINCIPALS[usize::from(key % 2)].into();
        if self.key.is_some() && !self.len.is_multiple_of(CONFLICTS_EACH) {
            // Most pushes with a key are the same as the others with it.
            let idempotency_key = Some(format!("k{}", key / 2).parse().expect("key"));
            let source = Source { principal, ..source() };
            return NewEvent { idempotency_key, source, ..event(&format!("the same, {key}")) };
        }
        NewEvent {
            channel: CHANNELS[self.channel].parse().expect("channel"),
            idempotency_key: self.key.map(|key| format!("k{}", key / 2).parse().expect("key")),
            expires_in: self.expires_in.map(Duration::from_secs),
            priority: Priority::ALL[self.priority],
            source: Source { principal, ..source() },
            ..event(&"x".repeat(self.len))
        }
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let push = (
        0..CHANNELS.len(),
        proptest::option::weighted(0.3, 0..8u8),
        prop_oneof![9 => 0..40usize, 1 => 100_000..260_000usize],
        proptest::option::weighted(0.2, 0..100u64),
        0..5usize,
    )
        .prop_map(|(channel, key, len, expires_in, priority)| Push {
            channel,
            key,
            len,
            expires_in,
            priority,
        });
    let order = prop_oneof![Just(Order::Oldest), Just(Order::Newest)];
    prop_oneof![
        8 => proptest::collection::vec(push, 0..90).prop_map(Operation::Append),
        8 => (0..300u64, 0..400u64, 0..7usize, order, 1..200usize, proptest::bool::ANY).prop_map(
            |(after, until, filter, order, limit, goes_on)| {
                Operation::Read { after, until, filter, order, limit, goes_on }
            }
        ),
        1 => (0..5u8, 0..300u64).prop_map(|(reader, start)| Operation::OpenReader { reader, start }),
        2 => (0..5u8, 0..300u64).prop_map(|(reader, seq)| Operation::Acknowledge { reader, seq }),
        1 => (0..5u8, 0..7usize, proptest::option::of(0..300u64))
            .prop_map(|(reader, filter, position)| Operation::PutReader { reader, filter, position }),
        1 => (0..5u8).prop_map(|reader| Operation::RemoveReader { reader }),
        1 => (0..CHANNELS.len()).prop_map(Operation::PurgeChannel),
        2 => (0..400u64).prop_map(Operation::PurgeEvent),
        1 => Just(Operation::Forget),
        1 => Just(Operation::Reopen),
        2 => (0..2_000u64).prop_map(|seconds| Operation::SeqBefore { seconds }),
        2 => prop_oneof![0..100u64, 20_000..90_000u64].prop_map(|seconds| Operation::Turn { seconds }),
    ]
}

fn filter(index: usize) -> Filter {
    match index {
        0 => patterns(&["a"]),
        1 => patterns(&["a.*"]),
        2 => patterns(&["g", "d.>"]),
        3 => patterns(&["nobody"]),
        4 => Filter::new(Vec::new(), Vec::new(), Priority::High, None).expect("few"),
        5 => Filter::new(vec!["a.>".parse().expect("pattern")], Vec::new(), Priority::Low, Some("xx"))
            .expect("few"),
        _ => Filter::all(),
    }
}

/// Returns the event without its epoch, which differs for each log.
fn without_epoch(event: &Event) -> Event {
    let position = Position { epoch: Epoch::from_random(0), ..event.position };
    Event { position, ..event.clone() }
}

/// Returns the reader without its epoch.
fn known(row: ReaderRow) -> ReaderRow {
    let acknowledged = Position { epoch: Epoch::from_random(0), ..row.acknowledged };
    ReaderRow { acknowledged, ..row }
}

fn all_without_epoch(events: &[Arc<Event>]) -> Vec<Event> {
    events.iter().map(|event| without_epoch(event)).collect()
}

/// Names a reader: every second one is another owner's, with a name that `local` uses, too.
fn key(reader: u8) -> ReaderKey {
    let owner = Principal::named(PRINCIPALS[usize::from(reader % 2)]).expect("a name").owner();
    ReaderKey { owner, name: format!("r{}", reader / 2).parse().expect("a name") }
}

async fn check(engine: impl Setup, floor: u64, operations: Vec<Operation>) {
    let age = Duration::from_secs(50_000);
    let retention = Retention { age, count: 150, bytes: 1_500_000, floor, ..Retention::default() };
    let mut memory = InMemory.start(retention);
    let mut other = engine.start(retention);
    let start = memory.clock.now();
    // What a reader was told of.
    let mut told = 0;
    for operation in operations {
        let (a, b) = (memory.store.clone(), other.store.clone());
        match operation {
            Operation::Acknowledge { reader, seq } => {
                let key = key(reader);
                let rows = (
                    a.ledger.acknowledge(&key, at(&a, seq)).await.expect("a").map(known),
                    b.ledger.acknowledge(&key, at(&b, seq)).await.expect("b").map(known),
                );
                assert_eq!(rows.0, rows.1);
            }
            Operation::Append(pushes) => {
                let events = || pushes.iter().map(Push::event).collect();
                let answers =
                    (a.log.append(Append::new(events())).await, b.log.append(Append::new(events())).await);
                match answers {
                    (Ok(a), Ok(b)) => {
                        let shown = |one: &Appended| (one.repeated, without_epoch(&one.event));
                        assert_eq!(
                            a.iter().map(shown).collect::<Vec<_>>(),
                            b.iter().map(shown).collect::<Vec<_>>()
                        );
                    }
                    (
                        Err(Error::IdempotencyConflict { index: a }),
                        Err(Error::IdempotencyConflict { index: b }),
                    ) => assert_eq!(a, b),
                    other => panic!("{other:?}"),
                }
                memory.sweep_all().await;
                other.sweep_all().await;
            }
            Operation::OpenReader { reader, start } => {
                let key = key(reader);
                let rows = (
                    a.ledger.open_reader(&key, &filter(5), at(&a, start)).await.expect("a"),
                    b.ledger.open_reader(&key, &filter(5), at(&b, start)).await.expect("b"),
                );
                assert_eq!(known(rows.0), known(rows.1));
            }
            Operation::Forget => {
                let all = || CHANNELS.iter().map(|name| name.parse().expect("channel")).collect();
                let forgotten = (a.log.forget_channels(all()).await, b.log.forget_channels(all()).await);
                assert_eq!(forgotten.0.expect("a"), forgotten.1.expect("b"));
            }
            Operation::PurgeChannel(index) => {
                let purge = Purge::Channel(CHANNELS[index].parse().expect("channel"));
                assert_eq!(a.purge(&purge).await.expect("a"), b.purge(&purge).await.expect("b"));
            }
            Operation::PurgeEvent(seq) => {
                let purge = |store: &Store| Purge::Event(at(store, seq));
                assert_eq!(a.purge(&purge(&a)).await.expect("a"), b.purge(&purge(&b)).await.expect("b"));
            }
            Operation::PutReader { reader, filter: index, position } => {
                let (key, filter) = (key(reader), filter(index));
                let place = |store: &Store| position.map(|seq| at(store, seq));
                let rows = (
                    a.ledger.put_reader(&key, &filter, place(&a)).await.expect("a"),
                    b.ledger.put_reader(&key, &filter, place(&b)).await.expect("b"),
                );
                assert_eq!((known(rows.0.0), rows.0.1), (known(rows.1.0), rows.1.1));
            }
            Operation::Read { after, until, filter: index, order, limit, goes_on } => {
                let known = if goes_on { told } else { 0 };
                let read = |store: &Store| {
                    let filter = filter(index);
                    Read { after, until, filter, order, limit, told: known, ..read_all(store) }
                };
                let page = (a.log.read(read(&a)).await.expect("a"), b.log.read(read(&b)).await.expect("b"));
                assert_eq!(all_without_epoch(&page.0.events), all_without_epoch(&page.1.events));
                assert_eq!(page.0.first, page.1.first);
                assert_eq!((page.0.removed, page.0.gone), (page.1.removed, page.1.gone));
                assert_eq!(page.0.told, page.1.told);
                told = page.0.told;
                let (a, b) = (read_pages(&a, read(&a)).await, read_pages(&b, read(&b)).await);
                assert_eq!(all_without_epoch(&a), all_without_epoch(&b));
            }
            Operation::RemoveReader { reader } => {
                let key = key(reader);
                let rows = (
                    a.ledger.remove_reader(&key).await.expect("a").map(known),
                    b.ledger.remove_reader(&key).await.expect("b").map(known),
                );
                assert_eq!(rows.0, rows.1);
            }
            Operation::Reopen => {
                drop((a, b));
                memory.reopen().await;
                other.reopen().await;
                // The time for which a log was closed counts for its retention once its clock has settled; memory was
                // never closed.
                memory.clock.turn(STANDS_FOR);
                other.clock.turn(STANDS_FOR);
            }
            Operation::SeqBefore { seconds } => {
                let moment = Arrival::from(start).after(Duration::from_secs(seconds * 50));
                assert_eq!(
                    a.log.seq_before(moment).await.expect("a"),
                    b.log.seq_before(moment).await.expect("b")
                );
            }
            Operation::Turn { seconds } => {
                memory.clock.turn(Duration::from_secs(seconds));
                other.clock.turn(Duration::from_secs(seconds));
                memory.sweep_all().await;
                other.sweep_all().await;
            }
        }
        let (a, b) = (&memory.store, &other.store);
        assert_eq!(extent(a), extent(b));
        let (of_a, of_b) = (a.head(), b.head());
        assert_eq!((of_a.oldest, of_a.spared), (of_b.oldest, of_b.spared));
        assert!(of_a.events() <= retention.count);
        assert_eq!(a.log.channels().await.expect("a"), b.log.channels().await.expect("b"));
        let all = |rows: Vec<ReaderRow>| rows.into_iter().map(known).collect::<Vec<_>>();
        assert_eq!(all(a.ledger.readers().await.expect("a")), all(b.ledger.readers().await.expect("b")));
    }
    other.store.engine.close().await;
}

/// Does the same to the engine and to memory, and compares their results.
pub fn the_engine_answers_as_memory_does(engine: impl Setup + Copy) {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
    let floor = prop_oneof![Just(0), Just(3), Just(40)];
    let operations = proptest::collection::vec(operation(), 1..40);
    let outcome = runner.run(&(floor, operations), |(floor, operations)| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(check(engine, floor, operations));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
