//! An engine whose log changes its epoch while it is open, simulated in memory: the last events are lost.

use fanfare_core::{Filter, Position};
use fanfare_store::memory::{Disturbance, Memory};
use fanfare_store::{Append, DeliveryChange, Error, Fork, Head, Ledger, Log, Retention, Store};
use fanfare_store_suite::harness::{at, event, keyed, messages, read_all, reader, seqs_appended, soon};

fn started() -> (std::sync::Arc<Memory>, Store) {
    let memory = Memory::new(Retention::default());
    (memory.clone(), Store::new(memory))
}

fn assert_changed<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::EpochChanged { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_log_that_lost_its_last_events_is_another_log() {
    let (memory, store) = started();
    let append = Append::new(vec![event("a"), keyed("b", "kept"), keyed("c", "lost"), event("d")]);
    memory.append(append).await.expect("appended");
    let mut watched = memory.head();
    let before = *watched.borrow_and_update();
    let read_before = read_all(&store);
    let mut committed = memory.committed();

    let head = memory.lose(2);
    assert!(watched.has_changed().expect("the store is open"));
    assert_eq!(*watched.borrow(), head);
    assert_eq!((head.first, head.last), (1, 2));
    assert_eq!(head.fork, Some(Fork { from: before.epoch, at: 2 }));
    assert_changed(memory.read(read_before).await);
    let page = memory.read(read_all(&store)).await.expect("read");
    assert_eq!(messages(&page.events), ["a", "b"]);
    assert!(page.events.iter().all(|event| event.position.epoch == head.epoch));
    let channels = memory.channels().await.expect("channels");
    assert_eq!((channels.len(), channels[0].events, channels[0].last_seq), (1, 2, 2));

    // What it lost is pushed anew, what it kept is not.
    let again =
        memory.append(Append::new(vec![keyed("b", "kept"), keyed("c", "lost")])).await.expect("appended");
    assert_eq!(again.iter().map(|one| one.repeated).collect::<Vec<_>>(), [true, false]);
    assert_eq!(again[1].event.position, Position { epoch: head.epoch, seq: 3 });
    let batch = soon(committed.recv()).await.expect("a batch");
    assert_eq!(batch[0].position, Position { epoch: head.epoch, seq: 3 });
    assert_eq!(store.head(), Head { last: 3, ..head });
}

#[tokio::test]
async fn what_is_stored_keeps_its_epoch_until_it_gets_a_place_in_the_new_log() {
    let (memory, store) = started();
    memory.append(Append::new((0..9).map(|_| event("x")).collect())).await.expect("appended");
    let (ann, bob) = (reader("ann"), reader("bob"));
    let was = at(&store, 7);
    memory.open_reader(&ann, &Filter::all(), was).await.expect("opened");
    let head = memory.lose(5);
    let row = memory.open_reader(&ann, &Filter::all(), at(&store, 0)).await.expect("opened");
    assert_eq!(
        (row.acknowledged, head.resume(row.acknowledged)),
        (was, 5),
        "it has no more than both logs have"
    );
    assert_changed(memory.open_reader(&bob, &Filter::all(), was).await);
    assert_changed(memory.acknowledge(&ann, was).await);
    let row = memory.acknowledge(&ann, at(&store, 1)).await.expect("asked").expect("it is known");
    assert_eq!(row.acknowledged, at(&store, 1), "a place in the log replaces one that is none");

    // Of a log before that, it is not known what this one has.
    let head = memory.lose(4);
    assert_eq!((head.resume(was), head.resume(row.acknowledged)), (0, 1));
    let unknown = DeliveryChange::Cursor { webhook: fanfare_store_suite::hooks::id(1), position: was };
    memory.record(Vec::new(), vec![unknown]).await.expect("it changes nothing");
}

#[tokio::test]
async fn an_append_that_the_log_lost_did_not_happen() {
    let (memory, _) = started();
    let mut ids = Vec::new();
    for message in ["kept", "lost"] {
        memory.disturb(Disturbance::AnswerLost);
        let append = Append::new(vec![event(message)]);
        ids.push(append.clone());
        assert!(matches!(memory.append(append).await, Err(Error::Unknown { .. })));
    }
    memory.lose(1);
    let kept = memory.settle(ids[0].id).await.expect("settled").expect("it happened");
    assert_eq!(seqs_appended(&kept), [1]);
    assert!(memory.settle(ids[1].id).await.expect("settled").is_none());
    let late = memory.append(ids[1].clone()).await;
    assert!(matches!(late, Err(Error::Settled { .. })), "{late:?}");
}
