//! Random operations on webhooks, after which the engines must agree.

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Epoch, Event, Position};
use fanfare_store::{
    Append, AttemptFilter, AttemptRow, BatchSpan, DeliveryChange, DeliveryRow, DeliveryStatus, Purge,
    ReadAttempts, ReadDeliveries, Retention, STANDS_FOR, Store, WebhookRow,
};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::TestRunner;

use crate::harness::{Log, Setup, event};
use crate::hooks::{attempt, cursor, id, remove};
use crate::memory::InMemory;

const WEBHOOKS: usize = 4;

#[derive(Debug, Clone)]
enum Operation {
    Append(usize),
    Purge {
        seq: u64,
    },
    /// Registers the webhook, or changes it if a revision is given.
    Put {
        webhook: usize,
        name: Option<u8>,
        url: usize,
        cursor: u64,
        expected: Option<u64>,
    },
    Record(Vec<Change>),
    Remove {
        webhook: usize,
    },
    Reopen,
    Turn {
        seconds: u64,
    },
}

#[derive(Debug, Clone)]
enum Change {
    Attempt { webhook: usize, seq: u64, number: u32, is_delivered: bool },
    Cursor { webhook: usize, seq: u64 },
    Put { webhook: usize, nth: usize, attempts: u32, is_failed: bool },
    Remove { webhook: usize, seq: u64 },
    State { webhook: usize, state: u8 },
}

fn change() -> impl Strategy<Value = Change> {
    let (webhook, seq) = (0..WEBHOOKS, 0..80u64);
    prop_oneof![
        2 => (webhook.clone(), seq.clone(), 1..3u32, any::<bool>()).prop_map(
            |(webhook, seq, number, is_delivered)| Change::Attempt { webhook, seq, number, is_delivered }
        ),
        2 => (webhook.clone(), seq.clone()).prop_map(|(webhook, seq)| Change::Cursor { webhook, seq }),
        6 => (webhook.clone(), any::<usize>(), 1..3u32, any::<bool>()).prop_map(
            |(webhook, nth, attempts, is_failed)| Change::Put { webhook, nth, attempts, is_failed }
        ),
        3 => (webhook.clone(), seq).prop_map(|(webhook, seq)| Change::Remove { webhook, seq }),
        1 => (webhook, any::<u8>()).prop_map(|(webhook, state)| Change::State { webhook, state }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0..20usize).prop_map(Operation::Append),
        4 => (0..WEBHOOKS, proptest::option::of(0..3u8), 0..WEBHOOKS + 2, 0..80u64, proptest::option::of(1..4u64))
            .prop_map(|(webhook, name, url, cursor, expected)| {
                Operation::Put { webhook, name, url, cursor, expected }
            }),
        2 => (0..80u64).prop_map(|seq| Operation::Purge { seq }),
        8 => proptest::collection::vec(change(), 0..12).prop_map(Operation::Record),
        1 => (0..WEBHOOKS).prop_map(|webhook| Operation::Remove { webhook }),
        1 => Just(Operation::Reopen),
        2 => (0..500u64).prop_map(|seconds| Operation::Turn { seconds }),
    ]
}

/// A log, with every event that it ever had.
struct Side {
    log: Log,
    events: Vec<Arc<Event>>,
}

impl Side {
    async fn run(&mut self, operation: &Operation) {
        let store = self.log.store.clone();
        match operation {
            Operation::Append(count) => {
                let events = (0..*count).map(|index| event(&format!("{index}"))).collect();
                let appended = store.log.append(Append::new(events)).await.expect("appended");
                self.events.extend(appended.into_iter().map(|appended| appended.event));
            }
            Operation::Purge { seq } => {
                let seq = (*seq).min(store.head().last);
                store.purge(&Purge::Event(self.log.at(seq))).await.expect("purged");
            }
            Operation::Put { webhook, name, url, cursor, expected } => {
                let row = WebhookRow {
                    id: id(*webhook),
                    owner: fanfare_core::Principal::local().owner(),
                    name: name.map(|name| format!("name-{name}").parse().expect("a name")),
                    url: format!("http://127.0.0.1/{url}").into(),
                    settings: format!("{cursor}").into(),
                    state: "".into(),
                    revision: 1,
                    cursor: self.log.at(*cursor),
                    created: self.log.clock.now(),
                };
                // The change may be refused: the list shows whether it was.
                let _ = match expected {
                    Some(expected) => store.ledger.update_webhook(row, *expected).await,
                    None => store.ledger.insert_webhook(row).await,
                };
            }
            Operation::Record(changes) => {
                let changes = changes.iter().filter_map(|change| self.change(change)).collect();
                store.ledger.record(Vec::new(), changes).await.expect("recorded");
            }
            Operation::Remove { webhook } => {
                store.ledger.remove_webhook(&id(*webhook)).await.expect("asked");
            }
            Operation::Reopen => {
                drop(store);
                self.log.reopen().await;
                // As in the other model: until its clock has settled, a log that was closed keeps more than memory.
                self.log.clock.turn(STANDS_FOR);
            }
            Operation::Turn { seconds } => self.log.clock.turn(Duration::from_secs(*seconds)),
        }
        self.log.sweep_all().await;
    }

    fn change(&self, change: &Change) -> Option<DeliveryChange> {
        Some(match *change {
            Change::Attempt { webhook, seq, number, is_delivered } => {
                let mut attempt = attempt(&self.log, webhook, seq, is_delivered);
                if let DeliveryChange::Attempt(row) = &mut attempt {
                    row.number = number;
                }
                attempt
            }
            Change::Cursor { webhook, seq } => cursor(&self.log, webhook, seq),
            Change::Put { webhook, nth, attempts, is_failed } => {
                let event = self.events.get(nth.checked_rem(self.events.len())?)?.clone();
                let at = self.log.clock.now();
                let status = if is_failed { DeliveryStatus::Failed(at) } else { DeliveryStatus::Waiting(at) };
                let failure = format!("{nth}").into();
                let batch = (nth % 2 == 1).then_some(BatchSpan { first: 1, last: nth as u64 });
                let webhook = id(webhook);
                DeliveryChange::Put(DeliveryRow { webhook, event, attempts, status, failure, batch })
            }
            Change::Remove { webhook, seq } => remove(&self.log, webhook, seq),
            Change::State { webhook, state } => {
                DeliveryChange::State { webhook: id(webhook), state: format!("{state}").into() }
            }
        })
    }

    /// Reads everything except what differs for each log.
    async fn all(&self) -> (String, Vec<DeliveryRow>) {
        let store: &Store = &self.log.store;
        let mut rows = Vec::new();
        for (webhook, failed) in
            (0..WEBHOOKS).flat_map(|webhook| [None, Some(true), Some(false)].map(|failed| (webhook, failed)))
        {
            let read = ReadDeliveries { webhook: id(webhook), failed, after: None, limit: 1_000 };
            rows.extend(store.ledger.deliveries(read).await.expect("rows").into_iter().map(without_epoch));
        }
        let mut attempts = Vec::new();
        for webhook in (0..WEBHOOKS).map(|webhook| Some(id(webhook))).chain([None]) {
            let read = ReadAttempts {
                webhook,
                seq: None,
                filter: AttemptFilter::default(),
                before: None,
                limit: 1_000,
            };
            let rows = store.ledger.attempts(read).await.expect("attempts");
            let shown = |row: AttemptRow| AttemptRow { position: anywhere(row.position), ..row };
            attempts.push(rows.into_iter().map(shown).collect::<Vec<_>>());
        }
        let webhooks = store.ledger.webhooks().await.expect("webhooks");
        let shown = |row: WebhookRow| WebhookRow { cursor: anywhere(row.cursor), ..row };
        let known = (
            webhooks.into_iter().map(shown).collect::<Vec<_>>(),
            store.ledger.delivery_counts().await.expect("counts"),
        );
        (format!("{known:#?} {attempts:#?}"), rows)
    }
}

/// Returns the position without its epoch, which differs for each log.
fn anywhere(position: Position) -> Position {
    Position { epoch: Epoch::from_random(0), ..position }
}

fn without_epoch(row: DeliveryRow) -> DeliveryRow {
    let position = anywhere(row.event.position);
    DeliveryRow { event: Arc::new(Event { position, ..(*row.event).clone() }), ..row }
}

async fn check(engine: impl Setup, floor: u64, operations: Vec<Operation>) {
    let seconds = Duration::from_secs;
    let retention = Retention {
        age: seconds(1_000),
        count: 25,
        floor,
        attempts: seconds(700),
        failed_deliveries: seconds(1_500),
        ..Retention::default()
    };
    let mut a = Side { log: InMemory.start(retention), events: Vec::new() };
    let mut b = Side { log: engine.start(retention), events: Vec::new() };
    for operation in operations {
        a.run(&operation).await;
        b.run(&operation).await;
        let (a, b) = (a.all().await, b.all().await);
        assert_eq!(a.0, b.0, "after {operation:?}");
        assert_eq!(a.1, b.1, "after {operation:?}");
    }
    b.log.store.engine.close().await;
    assert_eq!(b.log.orphans(), 0, "no event is kept that nothing needs");
}

/// Does the same to the engine and to memory, and compares their results.
pub fn the_engine_agrees_with_memory_about_webhooks(engine: impl Setup + Copy) {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() });
    let operations = proptest::collection::vec(operation(), 1..40);
    let outcome = runner.run(&(prop_oneof![Just(0), Just(2)], operations), |(floor, operations)| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(check(engine, floor, operations));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
