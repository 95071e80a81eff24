//! Tests of what the store keeps besides events: channels and durable readers.

use std::time::Duration;

use fanfare_core::Filter;
use fanfare_store::{Append, Error, READERS_MAX, Retention};

use crate::harness::{Log, Setup, at, event, extent, keyed, messages, patterns, reader, soon};

pub async fn a_reader_keeps_what_it_acknowledged(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["x"; 20]).await;
    let ann = reader("ann");
    assert_eq!(log.store.ledger.acknowledge(&ann, log.at(3)).await.expect("asked"), None);
    let narrow = patterns(&["a.*"]);
    let opened = log.store.ledger.open_reader(&ann, &narrow, log.at(5)).await.expect("opened");
    assert_eq!((opened.acknowledged.seq, &opened.filter), (5, &narrow));
    assert_eq!(opened.updated, log.clock.now());

    log.clock.turn(Duration::from_secs(1));
    let row = log.store.ledger.acknowledge(&ann, log.at(9)).await.expect("asked").expect("known");
    assert_eq!((row.acknowledged.seq, row.updated), (9, log.clock.now()));
    log.clock.turn(Duration::from_secs(1));
    let same = log.store.ledger.acknowledge(&ann, log.at(7)).await.expect("asked").expect("known");
    assert_eq!(same, row, "a smaller seq changes nothing");
    let row = log.store.ledger.acknowledge(&ann, log.at(1_000)).await.expect("asked").expect("known");
    assert_eq!(row.acknowledged.seq, 20, "what is not there yet cannot have been received");

    log.store.ledger.open_reader(&reader("bob"), &Filter::all(), log.at(1_000)).await.expect("opened");
    let again = log.store.ledger.open_reader(&ann, &Filter::all(), log.at(2)).await.expect("opened");
    assert_eq!(
        (again.acknowledged.seq, &again.filter),
        (20, &narrow),
        "start and filter are for new readers"
    );
    assert_eq!(again.updated, log.clock.now(), "it is in use");
    log.reopen().await;
    let readers = log.store.ledger.readers().await.expect("readers");
    assert_eq!(readers.iter().map(|row| row.key.name.as_str()).collect::<Vec<_>>(), ["ann", "bob"]);
    assert_eq!(readers[0], again);
    assert_eq!(readers[1].acknowledged.seq, 20);
    assert!(log.store.ledger.remove_reader(&ann).await.expect("asked").is_some());
    assert!(log.store.ledger.remove_reader(&ann).await.expect("asked").is_none());
    log.reopen().await;
    assert_eq!(log.store.ledger.readers().await.expect("readers").len(), 1);
}

pub async fn a_reader_is_changed_by_nothing_but_putting_it(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    log.append(&["x"; 20]).await;
    let (ann, bob) = (reader("ann"), reader("bob"));
    let (narrow, all) = (patterns(&["a.*"]), Filter::all());
    let put = async |log: &Log, key, filter, position| {
        let (row, is_new) = log.store.ledger.put_reader(key, filter, position).await.expect("put");
        assert_eq!((&row.filter, row.updated), (filter, log.clock.now()));
        (row.acknowledged.seq, is_new)
    };
    assert_eq!(put(&log, &ann, &narrow, None).await, (20, true), "at the end");
    assert_eq!(put(&log, &bob, &narrow, Some(log.at(3))).await, (3, true));
    log.clock.turn(Duration::from_secs(1));
    assert_eq!(put(&log, &bob, &all, None).await, (3, false), "the position stays");
    assert_eq!(put(&log, &ann, &narrow, Some(log.at(7))).await, (7, false), "back");
    assert_eq!(put(&log, &ann, &narrow, Some(log.at(1_000))).await, (20, false), "at most to the end");
    let before = log.store.ledger.readers().await.expect("readers");
    log.reopen().await;
    assert_eq!(log.store.ledger.readers().await.expect("readers"), before);
}

pub async fn a_reader_that_nobody_uses_is_removed(engine: impl Setup) {
    let day = Duration::from_secs(24 * 60 * 60);
    let mut log = engine.start(Retention { readers: 30 * day, ..Retention::default() });
    log.append(&["a", "b"]).await;
    let open = async |log: &Log, name: &str| {
        log.store.ledger.open_reader(&reader(name), &Filter::all(), log.at(0)).await.expect("opened")
    };
    for name in ["idle", "opened", "acknowledges", "set", "in-use"] {
        open(&log, name).await;
    }
    log.clock.turn(20 * day);
    open(&log, "opened").await;
    log.store.ledger.acknowledge(&reader("acknowledges"), log.at(1)).await.expect("acknowledged");
    log.store.ledger.put_reader(&reader("set"), &Filter::all(), None).await.expect("set");
    let in_use = vec![reader("in-use"), reader("unknown")];
    log.store.ledger.use_readers(in_use).await.expect("noted");
    log.clock.turn(10 * day);
    log.sweep_all().await;
    let names = async |log: &Log| {
        let readers = log.store.ledger.readers().await.expect("readers");
        readers.iter().map(|row| row.key.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&log).await,
        ["acknowledges", "idle", "in-use", "opened", "set"],
        "exactly 30 days are not too many"
    );
    log.clock.turn(Duration::from_micros(1));
    let swept = log.store.sweep().await.expect("swept");
    assert_eq!((swept.readers, swept.has_more), (1, false));
    let rest = ["acknowledges", "in-use", "opened", "set"];
    assert_eq!(names(&log).await, rest);
    let acknowledged = log.store.ledger.readers().await.expect("readers");
    assert_eq!(acknowledged.iter().map(|row| row.acknowledged.seq).collect::<Vec<_>>(), [1, 0, 0, 0]);
    log.reopen().await;
    assert_eq!(names(&log).await, rest);

    // A clock that is briefly wrong removes no reader.
    log.clock.set_ahead(400 * day);
    log.sweep_all().await;
    log.clock.set_back(400 * day);
    assert_eq!(names(&log).await, rest);

    // More readers than one sweep may remove.
    for number in 0..1_200 {
        open(&log, &format!("reader-{number}")).await;
    }
    log.clock.turn(31 * day);
    assert!(log.store.sweep().await.expect("swept").has_more, "there is more");
    log.sweep_all().await;
    assert!(names(&log).await.is_empty());
}

pub async fn readers_are_bounded(engine: impl Setup) {
    let log = engine.start(Retention::default());
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..READERS_MAX {
        let store = log.store.clone();
        tasks.spawn(async move {
            let start = at(&store, 0);
            store.ledger.open_reader(&reader(&format!("r{index}")), &Filter::all(), start).await
        });
    }
    assert!(soon(tasks.join_all()).await.iter().all(Result::is_ok));
    let refused = log.store.ledger.open_reader(&reader("late"), &Filter::all(), log.at(0)).await;
    assert!(matches!(refused, Err(Error::TooManyReaders { max: READERS_MAX })), "{refused:?}");
    log.store.ledger.open_reader(&reader("r7"), &Filter::all(), log.at(0)).await.expect("it is known");
    log.store.ledger.put_reader(&reader("r7"), &Filter::all(), None).await.expect("it is known");
    let refused = log.store.ledger.put_reader(&reader("late"), &Filter::all(), None).await;
    assert!(matches!(refused, Err(Error::TooManyReaders { .. })), "{refused:?}");
    assert!(log.store.ledger.remove_reader(&reader("r7")).await.expect("asked").is_some());
    log.store
        .ledger
        .open_reader(&reader("late"), &Filter::all(), log.at(0))
        .await
        .expect("there is room again");
}

pub async fn channels_are_counted(engine: impl Setup) {
    let mut log = engine.start(Retention { count: 2, ..Retention::default() });
    for channel in ["b", "a.x", "b", "a.x", "a.y"] {
        log.append_to(channel, "x").await;
        log.clock.turn(Duration::from_secs(1));
    }
    log.sweep_all().await;
    log.reopen().await;
    let rows = log.store.log.channels().await.expect("channels");
    let seen: Vec<_> = rows.iter().map(|row| (row.channel.as_str(), row.events, row.last_seq)).collect();
    assert_eq!(seen, [("a.x", 2, 4), ("a.y", 1, 5), ("b", 2, 3)]);
    assert_eq!(rows[1].last_timestamp, log.clock.now().before(Duration::from_secs(1)));
}

pub async fn a_store_that_is_opened_again_knows_everything(engine: impl Setup) {
    let mut log = engine.start(Retention::default());
    let epoch = log.store.head().epoch;
    log.store.log.append(Append::new(vec![keyed("a", "k"), event("b")])).await.expect("appended");
    log.reopen().await;
    assert_eq!(log.store.head().epoch, epoch);
    assert_eq!(extent(&log.store), (1, 2));
    assert!(log.store.log.append(Append::new(vec![keyed("a", "k")])).await.expect("appended")[0].repeated);
    assert_eq!(log.append(&["d"]).await, [3]);
    assert_eq!(messages(&log.page(log.read()).await.events), ["a", "b", "d"]);
}
